# Joins the prelude's files into one C++ string: cmake -DOUT=... -DFILES="a;b" -P embed.cmake
set(text "")
foreach(file ${FILES})
  file(READ "${file}" content)
  get_filename_component(name "${file}" NAME)
  # Compilers limit the length of one literal; each file is its own.
  string(APPEND text "R\"frit(# ${name}\n${content})frit\"\n")
endforeach()
file(WRITE "${OUT}" "#include \"dialect/syntax/check/Prelude.h\"\n\nconst std::string &frit::checking::preludeText() {\n  static const std::string text =\n${text};\n  return text;\n}\n")
