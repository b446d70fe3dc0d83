#!/bin/sh
# What must not compile: each file of refused/ begins with the error it gets. refused.sh FRIT
status=0
for file in "$(dirname "$0")"/refused/*.frit; do
  wanted=$(sed -n '1s/^# error: //p' "$file")
  said=$("$1" check "$file" 2>&1) && { echo "$file: accepted"; status=1; }
  case $said in
    *"error: $wanted"*) ;;
    *) echo "$file: wanted 'error: $wanted'"; echo "$said"; status=1 ;;
  esac
done
exit $status
