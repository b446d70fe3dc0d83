// A folder for one test, removed after it.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace frit {

struct Temporary {
  Temporary() {
    std::string pattern = (std::filesystem::temp_directory_path() / "frit-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~Temporary() { std::filesystem::remove_all(path); }
  Temporary(const Temporary &) = delete;

  /// Writes a file and returns its path.
  std::string write(const std::string &name, const std::string &bytes) const {
    std::ofstream(path + "/" + name, std::ios::binary) << bytes;
    return path + "/" + name;
  }
  std::string read(const std::string &name) const {
    std::ostringstream text;
    text << std::ifstream(path + "/" + name, std::ios::binary).rdbuf();
    return text.str();
  }

  std::string path;
};

} // namespace frit
