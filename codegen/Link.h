// Objects to a program, without a compiler on the machine.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace frit {

/// The folder with what a program is linked from: start files, the static C++ runtime, our runtime,
/// and the linker. It lies beside the compiler: `<folder of the running executable>/../lib/frit`.
std::string linkFolder();

/// Links objects, our runtime and its main function into a position-independent program, against
/// the system's C library only. The file at `output` appears whole or not at all.
llvm::Error linkProgram(llvm::ArrayRef<std::string> objects, llvm::StringRef output);

/// Links objects into a shared library that needs nothing but the system's C library.
llvm::Error linkShared(llvm::ArrayRef<std::string> objects, llvm::StringRef output);

} // namespace frit
