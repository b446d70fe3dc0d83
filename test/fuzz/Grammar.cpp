// Words, statements, declarations.
#include "test/fuzz/Grammar.h"

unsigned Grammar::pick(unsigned n) {
  if (size == 0 || depth > 20 || out.size() > 20'000)
    return 0;
  --size;
  return *bytes++ % n;
}

void Grammar::gap() {
  static const char *gaps[] = {" ", "", "\n", " # c\n", "\n\n  # own\n\n", "\r\n"};
  put(gaps[maybe(4) ? pick(6) : 0]);
}

void Grammar::newLine() {
  static const char *ends[] = {"\n", " ; ", " # end\n", "\n\n\n", "\n  # own\n", ";\n"};
  put(ends[pick(6)]);
}

void Grammar::name() {
  static const char *names[] = {
      "x",  "model", "in",    "limit", "frozen",           "run",  "from", "after", "D", "_",
      "b7", "use",   "train", "fresh", "a_long_name_here", "every"};
  put(names[pick(16)]);
}

void Grammar::number() {
  static const char *numbers[] = {"1", "0.5", "1e-3", "12", "3.25E+2", "0"};
  put(numbers[pick(6)]);
}

void Grammar::string() {
  static const char *strings[] = {"\"\"",     "\"a.{i}.b\"",    "\"q\\\"\\\\\\n\"",
                                  "\"# no\"", "\"\xc3\xa4{}\"", "\"\t\""};
  put(strings[pick(6)]);
}

void Grammar::list(void (Grammar::*item)(), const char *separator) {
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

void Grammar::block() {
  Deeper deeper(depth);
  static const char *opens[] = {"{", "{ ", "{\n", "{ # open\n", "\n{"};
  put(opens[pick(5)]);
  while (maybe()) {
    statement();
    newLine();
  }
  put(maybe(4) ? "\n# close\n}" : "}");
}

void Grammar::yieldItem() {
  if (maybe(3)) {
    name();
    put(" = ");
  }
  expr();
}

void Grammar::reportItem() {
  name();
  if (maybe()) {
    put(" = ");
    expr();
  }
}

void Grammar::commaList(void (Grammar::*item)()) {
  (this->*item)();
  while (maybe(3)) {
    put(",");
    gap();
    (this->*item)();
  }
}

void Grammar::statement() {
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

void Grammar::separator() {
  static const char *separators[] = {"\n", ", ", ";", "  # c\n", ",\n", "\n\n\n"};
  put(separators[pick(6)]);
}

void Grammar::settings() {
  put(maybe() ? "{ " : "{\n");
  while (maybe(3)) {
    name();
    put(maybe() ? " = " : "   = ");
    expr();
    separator();
  }
  put("}");
}

void Grammar::path() {
  static const char *paths[] = {"*.scale", "blocks.{i}.attn", "x*.3.*",
                                "*",       "a.0.b{i}c",       "m.{0..3}.w"};
  put(paths[pick(6)]);
}

void Grammar::trainItems(unsigned kinds) {
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

void Grammar::declaration() {
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
    parameters(true);
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
