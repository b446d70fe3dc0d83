#!/bin/sh
# frit check --objective on files of objectives: what is right passes, what is wrong is found and said, and
# a mistake of the user's is an error. check.sh FRIT
frit=$1
here=$(dirname "$0")/check
status=0
# says CODE TEXT... -- OPTIONS: the exit code, and what is printed.
says() {
  code=$1; shift
  wanted=
  while [ "$1" != -- ]; do wanted="$wanted$1
"; shift; done
  shift
  said=$("$frit" check --objective "$@" 2>&1)
  got=$?
  [ $got = "$code" ] || { echo "exit $got, not $code: $*"; echo "$said"; status=1; }
  echo "$wanted" | while read -r text; do
    case $said in *"$text"*) ;; *) echo "not said: $text"; echo "$said"; exit 1 ;; esac
  done || status=1
}
says 0 "8 of 8 right" "6 of 6 objectives right" "contrast" "rows are coupled" -- "$here/own.frit" --columns 1,7
# skewed(a = 0.9) has slopes a hundredth of what they are sums of; both scores of margins are beyond
# the straight part of the link.
says 0 "8 of 8 right" -- "$here/own.frit" --only divergences --columns 1000
says 0 "1 of 1 objectives right" -- "$here/own.frit" --only objectives --train margins --columns 60
says 0 "1 of 1 objectives right" "benign" "rows in another order" -- "$here/own.frit" --only objectives --train margins --every-case
says 1 "0 of 3 objectives right" "is not a number" \
  "what counts nothing changes the loss or its gradient" "WRONG" -- "$here/wrong.frit"
says 1 "neither trains nor declares 'nobody'" -- "$here/own.frit" --train nobody
says 1 "has neither divergences nor objectives" -- "$here/../tables.frit"
says 1 "cannot read nowhere.frit" -- nowhere.frit
says 1 "'no_digits' has no digits left where u goes to 0" -- "$here/no_digits.frit"
"$frit" check --objective "$here/own.frit" --only everything > /dev/null 2>&1 && { echo "--only everything is taken"; status=1; }
exit $status
