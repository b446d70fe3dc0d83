#!/usr/bin/env python3
"""Every message of dialect/syntax is triggered by a test.

Collects the texts of all errors from the sources, `{}` standing for anything, and the texts that the
tests expect. A message counts as tested if a test expects it or its beginning. Lists the others.

  messages.py SOURCE_FOLDER
"""
import glob
import os
import re
import sys

ROOT = sys.argv[1]
# Calls that report, each with what goes before and after the text it is given.
CALLS = {"error": ("", ""), "fail": ("", ""), "errorHere": ("", ""), "failHere": ("", ""),
         "broken": ("", ""), "expected": ("expected ", ""),
         "unsupported": ("", " cannot be compiled yet")}
# A test must expect so many characters of the text itself.
LEAST = 7
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def plain(literal):
    return literal.replace('\\"', '"').replace("\\\\", "\\").replace("\\n", "\n").replace("\\t", "\t")


def without_comments(text):
    return re.sub(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*', lambda m: m.group(1) or "", text)


def arguments(text, begin):
    """The text between the bracket at `begin` and its end."""
    depth, at = 0, begin
    while True:
        c = text[at]
        if c == '"':
            at = LITERAL.match(text, at).end() - 1
        elif c == "'":
            at = text.index("'", at + 2 if text[at + 1] == "\\" else at + 1)
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth == 0:
                return text[begin + 1:at]
        at += 1


def joined(text, at):
    """The literal at `at` with those that follow it directly."""
    out = ""
    while match := LITERAL.match(text, at):
        out += plain(match.group(1))
        at = match.end() + len(text[match.end():]) - len(text[match.end():].lstrip())
    return out


def first_literal(text):
    match = LITERAL.search(text)
    return joined(text, match.start()) if match else None


def messages():
    """(place, pattern) of every message, placeholders as \\0."""
    for path in sorted(glob.glob(ROOT + "/dialect/syntax/**/*.cpp", recursive=True)):
        text = without_comments(open(path).read())
        call = re.compile(r"\b(?:(" + "|".join(CALLS) + r")\(|(message) = fmt::format(\())")
        for match in call.finditer(text):
            name = match.group(1) or "error"
            text_given = re.sub(r'\["[^"]*"\]', "[]", arguments(text, match.end() - 1))
            literal = first_literal(text_given)
            if literal is None:
                continue
            before, after = CALLS[name]
            shown = re.sub(r"\{\{|\}\}|\{[^{}]*\}",
                           lambda m: {"{{": "{", "}}": "}"}.get(m.group(), "\0"),
                           before + literal + after)
            if "this is a bug in frit" in shown:
                continue
            line = text.count("\n", 0, match.start()) + 1
            yield f"{os.path.relpath(path, ROOT)}:{line}", shown


def expectations():
    """What tests say that messages are: texts that hold an error, or the whole line of a case."""
    out = set()
    for path in glob.glob(ROOT + "/test/**/*.*", recursive=True):
        if "/fuzz/" in path or not path.endswith((".cpp", ".cases", ".py", ".sh", ".mlir")):
            continue
        text = open(path, errors="replace").read()
        if path.endswith(".cases"):
            texts = re.findall(r"error: (.*)", text)
        else:
            texts, at = [], 0
            while match := LITERAL.search(text, at):
                texts += joined(text, match.start()).split("\n")
                at = match.end()
                while following := re.compile(r"\s*" + LITERAL.pattern).match(text, at):
                    at = following.end()
        out.update(re.sub(r"^.*?error: ", "", one) for one in texts)
    return {one for one in out if len(one) > 4}


def expects(pattern, text):
    """Is `text` the beginning of what the pattern can say, with enough of its own words? Or, for a
    text from the middle, words of it that stand together."""
    # seen[i]: the most letters of the pattern met when the first i characters of text are read.
    seen = [-1] * (len(text) + 1)
    seen[0] = 0
    for c in pattern:
        if seen[len(text)] >= LEAST:
            return True
        if c == "\0":
            for i in range(len(text)):
                seen[i + 1] = max(seen[i + 1], seen[i])
            continue
        nxt = [-1] * (len(text) + 1)
        for i in range(len(text)):
            if seen[i] >= 0 and text[i] == c:
                nxt[i + 1] = seen[i] + 1
        seen = nxt
        if max(seen) < 0:
            break
    else:
        if seen[len(text)] >= min(LEAST, len(pattern.replace("\0", ""))):
            return True
    fragments = [one.strip() for one in pattern.split("\0")]
    return any(len(one) >= 2 * LEAST and one in text for one in fragments) or (
        len(text) >= 2 * LEAST and any(text in one for one in fragments))


def main():
    known = expectations()
    missing = [(place, shown) for place, shown in messages()
               if not any(expects(shown, text) for text in known)]
    for place, shown in missing:
        print(f"{place}: no test expects: {shown.replace(chr(0), '{}')}")
    print(f"{len(list(messages()))} messages, {len(missing)} without a test")
    sys.exit(1 if missing else 0)


main()
