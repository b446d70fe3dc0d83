# Puts the prelude's files into a C++ table: cmake -DOUT=... -DFILES="a;b" -P embed.cmake
set(text "")
foreach(file ${FILES})
  file(READ "${file}" content)
  get_filename_component(name "${file}" NAME)
  string(APPEND text "{\"prelude/${name}\", R\"frit(${content})frit\"},\n")
endforeach()
file(WRITE "${OUT}" "#include \"dialect/syntax/check/Prelude.h\"

const std::vector<frit::checking::PreludeFile> &frit::checking::preludeFiles() {
  static const std::vector<PreludeFile> files = {
${text}};
  return files;
}
")
