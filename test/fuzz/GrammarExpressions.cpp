// Expressions, by level so that every operator can have every operand; types and parameters.
#include "test/fuzz/Grammar.h"

void Grammar::expr() {
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

void Grammar::unary() {
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

void Grammar::postfix() {
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

void Grammar::keywordArguments() {
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

void Grammar::argument() {
  expr();
  if (maybe(5)) {
    put(maybe() ? " -> " : "||");
    expr();
  }
}

void Grammar::indexEntry() {
  name();
  put(" = ");
  expr();
  if (maybe(4)) {
    put(" else ");
    expr();
  }
}

void Grammar::groupItem() {
  if (maybe(4)) {
    name();
    put(": ");
  }
  expr();
}

void Grammar::atom() {
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

void Grammar::carry() {
  name();
  if (maybe(3)) {
    put(": ");
    type();
  }
  put(" = ");
  expr();
}

void Grammar::type() {
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

void Grammar::axis() {
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

void Grammar::parameter() {
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

void Grammar::parameters(bool mayOppose) {
  put("(");
  if (mayOppose && maybe(5)) {
    parameter();
    put(" || ");
    list(&Grammar::parameter);
  } else if (maybe()) {
    list(&Grammar::parameter);
  }
  if (maybe(3)) {
    put(";");
    list(&Grammar::parameter);
  }
  put(")");
}
