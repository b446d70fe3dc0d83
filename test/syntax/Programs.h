// The programs that syntax tests read: all of test/programs, the prelude and the examples.
#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

struct Program {
  std::string name, text;
};

inline std::vector<Program> allPrograms() {
  std::vector<Program> programs;
  for (const char *folder : {"/test/programs", "/examples", "/dialect/prelude", "/bench"}) {
    std::filesystem::path root = std::string(FRIT_SOURCE_DIR) + folder;
    if (!std::filesystem::exists(root))
      continue;
    for (const auto &entry : std::filesystem::recursive_directory_iterator(root))
      if (entry.path().extension() == ".frit") {
        std::ifstream in(entry.path(), std::ios::binary);
        programs.push_back({entry.path().filename().string(),
                            std::string(std::istreambuf_iterator<char>(in), {})});
      }
  }
  return programs;
}
