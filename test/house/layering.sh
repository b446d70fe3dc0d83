#!/bin/sh
# Who may include whom (the table in docs/architecture.md), and that no link line mixes the shared
# MLIR and LLVM with their static archives. Prints every offence; exits 1 if there is one.
cd "$(dirname "$0")/../.."
status=0
forbid() { # folder, pattern, why
  found=$(grep -rnE --include='*.cpp' --include='*.h' --include='*.def' "^ *#include [\"<]($2)" "$1" 2>/dev/null)
  if [ -n "$found" ]; then
    printf '%s\n  ^ %s\n' "$found" "$3"
    status=1
  fi
}
forbid runtime 'mlir/|llvm/|dialect/|passes/|codegen/|tools/' 'runtime includes only the standard library, its own files and its libraries'
forbid dialect/syntax/check 'mlir/|llvm/|dialect/Frit.h|passes/|codegen/|runtime/|tools/' 'Check is plain C++'
for file in dialect/syntax/*.cpp dialect/syntax/*.h; do
  case $file in */Emit.*) continue ;; esac
  forbid "$file" 'mlir/|llvm/|dialect/Frit.h' 'only Emit sees the ops'
done
forbid dialect 'passes/|codegen/|runtime/|tools/' 'dialect includes nothing that comes after it'
forbid dialect 'mlir/Dialect/(Linalg|LLVMIR|Vector|SCF|MemRef)/' 'dialect uses arith, math and func only'
forbid passes 'codegen/|runtime/|tools/' 'passes include only dialect'
forbid passes 'mlir/Dialect/(Linalg|LLVMIR)/' 'passes never leave the dialect'
forbid codegen 'tools/' 'tools are included by nobody'
found=$(grep -rnE '^ *#include "runtime/' codegen | grep -vE '"runtime/(Abi\.h|Functions\.def)"')
[ -z "$found" ] || { printf '%s\n  ^ codegen sees only the ABI of the runtime\n' "$found"; status=1; }
found=$(grep -rnE 'target_link_libraries.*\b(MLIR[A-Z][A-Za-z]+|LLVM[A-Z][A-Za-z]+)\b' --include=CMakeLists.txt .)
[ -z "$found" ] || { printf '%s\n  ^ link only the shared MLIR and LLVM\n' "$found"; status=1; }
found=$(grep -rn 'mlir/Conversion/Passes.h' --include='*.cpp' --include='*.h' dialect passes codegen tools)
[ -z "$found" ] || { printf '%s\n  ^ costs half a minute per file; include single conversions\n' "$found"; status=1; }
exit $status
