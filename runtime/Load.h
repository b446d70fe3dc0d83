// Parameters of single models from files of other runs: `teacher = GPT() from "run"`.
#pragma once
#include "runtime/Machine.h"
#include <set>

namespace frit {

/// Fills the parameters and declared state of `load.model`. `path`: a .safetensors file, a run's
/// directory (its newest checkpoint) or a checkpoint; `flag`: the option that names another, for
/// messages.
///
/// Tensors of `load.tensors` have the names that the program says, or are not loaded. The others'
/// names in the file are those of the program ("teacher.tok.table"), or have another first
/// component that all tensors of the file share ("lm.tok.table"), or lack it ("tok.table"); the way
/// that finds most is taken. Every parameter must be there with its shape; declared state may be
/// missing in a lone file, and then begins as the program says. What else the file holds is counted
/// in a warning.
void loadModel(Machine &machine, const ModelFile &load, const std::string &path,
               const std::string &flag);

/// What begins as a copy of the states in `changed` (copy(m), moving averages) and is not itself
/// among them.
void followCopies(Machine &machine, std::set<std::string> changed);

} // namespace frit
