// Checkpoints: directories that are either whole or not there.
//
//   run/checkpoint-000500/model.safetensors   parameters, for any reader
//                         state.safetensors   slots, declared state, counters
//                         meta.json           step, seed, scalars, data, program hash, ...
//   run/latest -> checkpoint-000500
//
// Saving: (1) write all three files into run/checkpoint.tmp, each synced; (2) rename it to its
// name and sync run/; (3) turn `latest` by renaming a new link over it; (4) remove all but the last
// two. A crash between any two of these leaves `latest` on a whole checkpoint.
#pragma once
#include "runtime/Machine.h"
#include <string>

namespace frit {

/// What meta.json holds.
struct Meta {
  int64_t step = 0; // steps done
  int64_t steps = 0, seed = 0;
  std::map<std::string, double> scalars; // as they were set
  nlohmann::json data;                   // files, fingerprint, what the source remembers
  std::string program, hash, isa;        // filled by save
};

/// The run directory of a training, held by one process at a time.
class RunDirectory {
public:
  /// Makes the directory if it is missing and locks it; removes what a crash left half-written.
  explicit RunDirectory(const std::string &path);
  ~RunDirectory();
  RunDirectory(const RunDirectory &) = delete;
  RunDirectory &operator=(const RunDirectory &) = delete;

  const std::string path;
  /// Removes all checkpoints and metrics.
  void clear();
  /// Fails (with everything half-written removed, and older checkpoints as they were) when the disk
  /// is full.
  void save(const Machine &machine, Meta meta);

private:
  void removeLeftovers();
  int lock;
};

/// The directory of the newest checkpoint in a run, or "" if it has none. `path` may also be a
/// checkpoint itself.
std::string findCheckpoint(const std::string &path);
Meta readMeta(const std::string &checkpoint);
/// Fills the machine's state; fails with the first tensor that does not fit. `everything` false:
/// parameters and declared state, without what only training needs. Warns when the checkpoint comes
/// from another version of the program.
void loadCheckpoint(Machine &machine, const std::string &checkpoint, const Meta &meta,
                    bool everything);
/// Parameters from any safetensors file (half precision is widened, other tensors are ignored).
void loadWeights(Machine &machine, const std::string &file);

} // namespace frit
