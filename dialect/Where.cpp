#include "dialect/Where.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace frit {

std::string layersOf(Location location) {
  SmallVector<std::string> layers;
  location->walk([&](Location part) {
    if (auto named = dyn_cast<NameLoc>(part))
      if (!llvm::is_contained(layers, named.getName().getValue()))
        layers.push_back(named.getName().str());
    return WalkResult::advance();
  });
  return llvm::join(layers, ", ");
}

std::string linesOf(Location location) {
  struct File {
    StringRef name;
    SmallVector<unsigned> lines;
  };
  SmallVector<File> files;
  location->walk([&](Location part) {
    auto place = dyn_cast<FileLineColLoc>(part);
    if (!place)
      return WalkResult::advance();
    StringRef name = place.getFilename().getValue();
    auto *file = llvm::find_if(files, [&](const File &f) { return f.name == name; });
    if (file == files.end()) {
      files.push_back({name, {}});
      file = &files.back();
    }
    if (!llvm::is_contained(file->lines, place.getLine()))
      file->lines.push_back(place.getLine());
    return WalkResult::advance();
  });
  std::string text;
  for (File &file : files) {
    llvm::sort(file.lines);
    if (!text.empty())
      text += " ";
    text +=
        file.name.str() + ":" +
        llvm::join(llvm::map_range(file.lines, [](unsigned n) { return std::to_string(n); }), ",");
  }
  return text;
}

} // namespace frit
