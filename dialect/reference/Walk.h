// Walks over all positions of some axes, outermost first, and keeps track of the offsets in arrays
// that are aligned with the walk by axis name:
//
//   Walk walk(y.type.axes);                                // x[t], y[b, t]
//   const int64_t &from = walk.in(x.type), &to = walk.in(y.type);
//   walk.each([&] { y.data[to] = x.data[from]; });         // x is repeated along b
#pragma once
#include "dialect/Types.h"
#include <deque>

namespace frit {

/// How far apart neighbours along an axis lie in a row-major array; 0 along an axis it lacks.
inline int64_t strideOf(const ValueType &type, const std::string &axis) {
  int64_t stride = 1;
  for (size_t i = type.axes.size(); i-- > 0;) {
    if (type.axes[i].name == axis)
      return stride;
    stride *= type.axes[i].size;
  }
  return 0;
}

class Walk {
public:
  explicit Walk(std::vector<Axis> axes) : axes(std::move(axes)) {}

  /// The offset of the current position in an array of this type. Axes that the walk lacks, and
  /// those in `except`, stand at 0.
  const int64_t &in(const ValueType &type, const std::vector<std::string> &except = {}) {
    Track &track = tracks.emplace_back();
    for (const Axis &axis : axes) {
      bool skipped = false;
      for (const std::string &other : except)
        skipped |= other == axis.name;
      track.strides.push_back(skipped ? 0 : strideOf(type, axis.name));
    }
    return track.offset;
  }

  template <typename Body> void each(Body body) {
    std::vector<int64_t> at(axes.size(), 0);
    for (Track &track : tracks)
      track.offset = 0;
    while (true) {
      body();
      size_t i = axes.size();
      while (i > 0 && at[i - 1] + 1 == axes[i - 1].size) {
        --i;
        for (Track &track : tracks)
          track.offset -= at[i] * track.strides[i];
        at[i] = 0;
      }
      if (i == 0)
        return;
      ++at[i - 1];
      for (Track &track : tracks)
        track.offset += track.strides[i - 1];
    }
  }

private:
  struct Track {
    std::vector<int64_t> strides; // one per axis of the walk
    int64_t offset = 0;
  };
  std::vector<Axis> axes;
  std::deque<Track> tracks; // `in` hands out references
};

} // namespace frit
