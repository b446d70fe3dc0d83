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
  unsigned pick(unsigned n) {
    if (size == 0 || depth > 20 || out.size() > 20'000)
      return 0;
    --size;
    return *bytes++ % n;
  }
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
  void gap() {
    static const char *gaps[] = {" ", "", "\n", " # c\n", "\n\n  # own\n\n", "\r\n"};
    put(gaps[maybe(4) ? pick(6) : 0]);
  }
  void newLine() {
    static const char *ends[] = {"\n", " ; ", " # end\n", "\n\n\n", "\n  # own\n", ";\n"};
    put(ends[pick(6)]);
  }

  void name() {
    static const char *names[] = {
        "x",  "model", "in",    "limit", "frozen",           "run",  "from", "after", "D", "_",
        "b7", "use",   "train", "fresh", "a_long_name_here", "every"};
    put(names[pick(16)]);
  }
  void number() {
    static const char *numbers[] = {"1", "0.5", "1e-3", "12", "3.25E+2", "0"};
    put(numbers[pick(6)]);
  }
  void string() {
    static const char *strings[] = {"\"\"",     "\"a.{i}.b\"",    "\"q\\\"\\\\\\n\"",
                                    "\"# no\"", "\"\xc3\xa4{}\"", "\"\t\""};
    put(strings[pick(6)]);
  }

  void list(void (Grammar::*item)(), const char *separator = ",") {
    gap();
    for (bool more = true; more;) {
      (this->*item)();
      more = maybe(3);
      if (more) {
        put(separator);
        gap();
      }
    }
    gap();
  }

  //===-- Expressions: by level, so that every operator can have every operand --------------===//

  void expr() {
    Deeper deeper(depth);
    unsigned links = 0; // of a chain: the parser bounds the height of a tree
    static const char *operators[] = {
        "implies", "or", "and", "<", ">", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%"};
    switch (pick(4)) {
    case 0:
    case 1:
      unary();
      break;
    case 2: {
      bool comparison = false;
      unary();
      do {
        unsigned op = 3 + pick(11);
        if (op < 9 && comparison) // these do not chain
          op = 9;
        if (op < 9)
          comparison = true;
        put(" ");
        put(operators[op]);
        gap();
        unary();
      } while (++links < 5 && maybe(3));
      break;
    }
    case 3:
      if (maybe(4))
        put("not ");
      unary();
      do {
        put(" ");
        put(operators[pick(3)]);
        gap();
        put(" ");
        unary();
      } while (++links < 5 && maybe(3));
      break;
    }
  }
  void unary() {
    Deeper deeper(depth);
    if (maybe(6)) {
      put("-");
      unary();
      return;
    }
    postfix();
    if (maybe(6)) {
      put("^");
      gap();
      unary();
    }
  }
  void postfix() {
    atom();
    for (unsigned links = 0; links < 5 && maybe(3); ++links)
      switch (pick(4)) {
      case 0:
        put("(");
        if (maybe())
          list(&Grammar::argument);
        if (maybe(4))
          keywordArguments();
        put(")");
        break;
      case 1:
        put(maybe() ? ".0" : ".state");
        break;
      case 2:
        put("[");
        list(&Grammar::indexEntry);
        put("]");
        break;
      case 3:
        put("[ D(a = 1)]");
        break;
      }
  }
  void keywordArguments() {
    if (out.back() != '(')
      put(",");
    put("k = ");
    expr();
    if (maybe()) {
      put(",");
      gap();
      put("l=");
      expr();
    }
  }
  void argument() {
    expr();
    if (maybe(5)) {
      put(maybe() ? " -> " : "||");
      expr();
    }
  }
  void indexEntry() {
    name();
    put(" = ");
    expr();
    if (maybe(4)) {
      put(" else ");
      expr();
    }
  }
  void groupItem() {
    if (maybe(4)) {
      name();
      put(": ");
    }
    expr();
  }
  void atom() {
    Deeper deeper(depth);
    switch (pick(12)) {
    case 0:
    case 1:
    case 2:
      name();
      break;
    case 3:
      put("(");
      number(); // a number has no parts
      put(")");
      break;
    case 4:
      string();
      break;
    case 5:
      put("(");
      gap();
      expr();
      gap();
      put(")");
      break;
    case 6:
      put("(");
      expr();
      put(",");
      list(&Grammar::expr);
      put(")");
      break;
    case 7:
      put("[");
      if (maybe())
        list(&Grammar::groupItem);
      put("]");
      break;
    case 8:
      put("if ");
      expr();
      put(" ");
      block();
      put(maybe(4) ? " # why\nelse " : " else ");
      if (maybe(4)) {
        put("if ");
        expr();
        block();
        put(" else ");
      }
      block();
      break;
    case 9:
      put("scan i over ");
      put(maybe() ? "t.in" : "[a, b]");
      put(" (");
      if (maybe())
        list(&Grammar::carry);
      if (maybe())
        put("; reverse = true");
      put(")");
      block();
      break;
    case 10:
      put(maybe() ? "repeat(layer: " : "repeat(");
      expr();
      put(") ");
      postfix();
      break;
    case 11:
      number();
      put("+");
      gap();
      name();
      break;
    }
  }
  void carry() {
    name();
    if (maybe(3)) {
      put(": ");
      type();
    }
    put(" = ");
    expr();
  }

  //===-- Types and parameters --------------------------------------------------------------===//

  void type() {
    Deeper deeper(depth);
    switch (pick(5)) {
    case 0:
      put("real");
      break;
    case 1:
      put("real[");
      if (maybe())
        list(&Grammar::axis);
      put("]");
      break;
    case 2:
      put("categorical[");
      if (maybe())
        list(&Grammar::axis);
      put(";");
      if (maybe())
        list(&Grammar::axis);
      put("]");
      break;
    case 3:
      put("(");
      type();
      put(",");
      list(&Grammar::type);
      put(")");
      break;
    case 4:
      put("[b, t]");
      break;
    }
  }
  void axis() {
    switch (pick(5)) {
    case 0:
      name();
      break;
    case 1:
      put("..");
      break;
    case 2:
      put("rows..");
      break;
    case 3:
      put("d: ");
      expr();
      break;
    case 4:
      put("base.in");
      break;
    }
  }
  void parameter() {
    if (maybe(5))
      put("frozen ");
    put("p");
    if (maybe()) {
      put(":");
      type();
    }
    if (maybe(3)) {
      put(" = ");
      expr();
    }
  }
  void parameters() {
    put("(");
    if (maybe())
      list(&Grammar::parameter);
    if (maybe(3)) {
      put(";");
      list(&Grammar::parameter);
    }
    put(")");
  }

  //===-- Statements ------------------------------------------------------------------------===//

  void block() {
    Deeper deeper(depth);
    static const char *opens[] = {"{", "{ ", "{\n", "{ # open\n", "\n{"};
    put(opens[pick(5)]);
    while (maybe()) {
      statement();
      newLine();
    }
    put(maybe(4) ? "\n# close\n}" : "}");
  }
  void stateItem() { carry(); }
  void yieldItem() {
    if (maybe(3)) {
      name();
      put(" = ");
    }
    expr();
  }
  void reportItem() {
    name();
    if (maybe()) {
      put(" = ");
      expr();
    }
  }
  void commaList(void (Grammar::*item)()) {
    (this->*item)();
    while (maybe(3)) {
      put(",");
      gap();
      (this->*item)();
    }
  }
  void statement() {
    Deeper deeper(depth);
    switch (pick(9)) {
    case 0:
      name();
      put(maybe() ? " = " : "    = ");
      expr();
      break;
    case 1:
      put("a, b = ");
      gap();
      expr();
      break;
    case 2:
      name();
      put(": ");
      expr();
      break;
    case 3:
      put("param w: ");
      type();
      put(maybe() ? " ~ " : " = ");
      expr();
      if (maybe(3))
        put(" if bias");
      break;
    case 4:
      put("state ");
      commaList(&Grammar::stateItem);
      break;
    case 5:
      put("minimize ");
      expr();
      break;
    case 6:
      put("report ");
      commaList(&Grammar::reportItem);
      break;
    case 7:
      put("yield ");
      commaList(&Grammar::yieldItem);
      break;
    case 8:
      put("draw s: ");
      type();
      put(" ~ ");
      expr();
      if (maybe()) {
        put(" until ");
        expr();
      }
      if (maybe()) {
        put(" after ");
        expr();
      }
      break;
    }
  }

  //===-- Declarations ----------------------------------------------------------------------===//

  void separator() {
    static const char *separators[] = {"\n", ", ", ";", "  # c\n", ",\n", "\n\n\n"};
    put(separators[pick(6)]);
  }
  void settings() {
    put(maybe() ? "{ " : "{\n");
    while (maybe(3)) {
      name();
      put(maybe() ? " = " : "   = ");
      expr();
      separator();
    }
    put("}");
  }
  void path() {
    static const char *paths[] = {"*.scale", "blocks.{i}.attn", "x*.3.*", "*", "a.0.b{i}c"};
    put(paths[pick(5)]);
  }
  void trainItems(unsigned kinds) {
    put(maybe() ? "{ " : "{ # t\n");
    while (maybe()) {
      switch (pick(kinds)) {
      case 0:
        put("x = ");
        expr();
        if (maybe(3)) {
          put(" from ");
          string();
          if (maybe()) {
            put(maybe() ? " { " : " {\n");
            while (maybe()) {
              string();
              put(maybe(3) ? " -> fresh " : " -> ");
              path();
              separator();
            }
            put("}");
          }
        }
        if (maybe(4)) {
          put(" every ");
          expr();
        }
        break;
      case 1:
        put("for ");
        path();
        if (maybe()) {
          put(",");
          gap();
          path();
        }
        put(" ");
        trainItems(1);
        break;
      case 2:
        put("run one");
        if (maybe())
          put(" 3");
        if (maybe())
          trainItems(2);
        break;
      }
      separator();
    }
    put("}");
  }
  void declaration() {
    switch (pick(11)) {
    case 0:
      put("use ");
      string();
      break;
    case 1:
      put("config ");
      settings();
      break;
    case 2:
      put("check ");
      settings();
      break;
    case 3:
      put("record r");
      if (maybe()) {
        put("[");
        list(&Grammar::axis);
        put("]");
      }
      put(" {");
      while (maybe()) {
        name();
        put(": ");
        type();
        separator();
      }
      put("}");
      break;
    case 4:
      put("model M");
      parameters();
      put("{");
      while (maybe()) {
        switch (pick(4)) {
        case 0:
          put("f");
          parameters();
          put(maybe() ? " -> real " : " ");
          block();
          break;
        case 1:
          put("x = ");
          expr();
          break;
        case 2:
          put("d: ");
          expr();
          break;
        case 3:
          put("param w: ");
          type();
          put(" = ");
          expr();
          break;
        }
        newLine();
      }
      put("}");
      break;
    case 5:
      put("fn f");
      parameters();
      if (maybe()) {
        put(" -> ");
        type();
      }
      if (maybe()) {
        put(" = ");
        gap();
        expr();
      } else {
        block();
      }
      break;
    case 6:
      put("divergence d(u");
      if (maybe())
        put("; a = 1 in 0..2.5");
      if (maybe())
        put("; limit 1: kl, limit -a: D");
      put(") = ");
      expr();
      break;
    case 7:
      put("objective o");
      parameters();
      block();
      break;
    case 8:
      put("rollout o");
      parameters();
      block();
      break;
    case 9:
      put("optimizer o");
      parameters();
      block();
      break;
    case 10:
      put("train t ");
      trainItems(3);
      break;
    }
  }

  const uint8_t *bytes;
  size_t size;
  unsigned depth = 0;
  std::string out;
};
