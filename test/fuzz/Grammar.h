// Programs drawn from the grammar of docs/language.md: each choice takes a byte of the input, so
// the fuzzer steers the program. When the bytes are used up, the shortest choice is taken. What
// comes out always parses; the meaning is nonsense.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

class Grammar {
public:
  Grammar(const uint8_t *bytes, size_t size) : bytes(bytes), size(size) {}

  std::string program() {
    while (size > 0 && out.size() < 20'000) {
      declaration();
      newLine();
    }
    return out;
  }

private:
  /// A number below `n`; 0 when nothing is left or the tree is deep.
  unsigned pick(unsigned n);
  bool maybe(unsigned oneIn = 2) { return pick(oneIn) == 1; }
  void put(const char *text) { out += text; }

  struct Deeper {
    unsigned &depth;
    Deeper(unsigned &depth) : depth(depth) { ++depth; }
    ~Deeper() { --depth; }
  };

  /// Space between tokens where a line may not end.
  void space() { put(maybe(8) ? "   " : " "); }
  /// Space where a line may go on: after an operator or a comma, or inside ( ) and [ ].
  void gap();
  void newLine();

  void name();
  void number();
  void string();

  void list(void (Grammar::*item)(), const char *separator = ",");

  //===-- Expressions: by level, so that every operator can have every operand --------------===//

  void expr();
  void unary();
  void postfix();
  void keywordArguments();
  void argument();
  void indexEntry();
  void groupItem();
  void atom();
  void carry();

  //===-- Types and parameters --------------------------------------------------------------===//

  void type();
  void axis();
  void parameter();
  void parameters(bool mayOppose = false); // of a fn: p || q

  //===-- Statements ------------------------------------------------------------------------===//

  void block();
  void stateItem() { carry(); }
  void yieldItem();
  void reportItem();
  void commaList(void (Grammar::*item)());
  void statement();

  //===-- Declarations ----------------------------------------------------------------------===//

  void separator();
  void settings();
  void path();
  void trainItems(unsigned kinds);
  void declaration();

  const uint8_t *bytes;
  size_t size;
  unsigned depth = 0;
  std::string out;
};
