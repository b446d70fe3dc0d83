// Fuzzes the parser and the formatter. An input that starts with 'G' steers a generator of
// programs, which must parse; any other is taken as text, which must not break a promise of
// test/syntax/Promises.h.
//
//   frit-fuzz-syntax -dict=test/fuzz/frit.dict -runs=1000000 -max_len=4096 scratch/
//
// An input that fails is written to a file; made small (-minimize_crash=1) it belongs in
// test/fuzz/found, whose files every test run reads first.
#include "test/fuzz/Grammar.h"
#include "test/syntax/Promises.h"
#include <cstdio>
#include <cstdlib>

static void check(bool good, const std::string &what, const std::string &text) {
  if (good)
    return;
  fprintf(stderr, "%s\n--- the text:\n%s\n", what.c_str(), text.c_str());
  abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bool generated = size > 0 && data[0] == 'G';
  std::string text = generated ? Grammar(data + 1, size - 1).program()
                               : std::string(reinterpret_cast<const char *>(data), size);
  if (generated) {
    frit::Sources sources;
    frit::Diagnostics diagnostics;
    frit::parse(sources.add("generated", text), diagnostics);
    check(!diagnostics.hasErrors(), diagnostics.render(), text);
  }
  std::string broken = frit::brokenPromise(text);
  check(broken.empty(), broken, text);
  return 0;
}
