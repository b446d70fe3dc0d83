"""frit prelude: what comes with frit, listed and printed as its files have it."""
from harness import *

FOLDER = os.path.join(ROOT, "dialect", "prelude")
KINDS = "fn|model|record|optimizer|divergence|objective"


def declarations():
    for file in sorted(os.listdir(FOLDER)):
        text = read(os.path.join(FOLDER, file)).decode()
        for kind, name in re.findall(rf"^({KINDS}) (\w+)", text, re.MULTILINE):
            yield file, text, kind, name


def test_everything_is_listed():
    listed = frit("prelude").out
    count = 0
    for file, _, kind, name in declarations():
        block = listed.split(f"{file}\n", 1)[1].split("\n\n")[0]
        assert re.search(rf"^  {kind} {name}\b", block, re.MULTILINE), f"{file}: {name} is not listed"
        count += 1
    assert count > 150, count


def test_comments_and_heads():
    listed = frit("prelude").out
    for text in ["  divergence chi2(u) = (u - 1)^2\n      Pearson: the sum of (p - q)^2 / q.\n",
                 "gamma = 1.0, lambda = 0.95) -> real[b, t]\n      Generalised advantage estimation.\n",
                 "      Hinton et al. 2015"]:
        assert text in listed, text


def test_texts_are_those_of_the_files():
    # All in one call: a comment, then the declaration, each in its file's own words.
    known = list(declarations())
    shown = frit("prelude", *[name for _, _, _, name in known]).out
    for file, text, kind, name in known:
        at = re.search(rf"^{kind} {name}\b.*?(?=^#|^\n|^(?:{KINDS}) |\Z)", text, re.MULTILINE | re.DOTALL)
        assert at.group().strip() in shown, f"{file}: {name} is not printed"


def test_one_and_a_file():
    assert frit("prelude", "chi2").out == ("# divergences.frit\n# Pearson: the sum of (p - q)^2 / q. (1, inf)\n"
                                           "divergence chi2(u) = (u - 1)^2\n")
    assert frit("prelude", "norms.frit").out == read(os.path.join(FOLDER, "norms.frit")).decode()


def test_printed_text_is_a_program():
    write("mine.frit", frit("prelude", "chi2", "kl").out.replace("chi2", "mine").replace("kl", "other"))
    frit("check", "--objective", "mine.frit", "--columns", "2").says("2 of 2 right")


def test_mistakes():
    frit("prelude", "LTSM", status=1).says("frit: the prelude has no 'LTSM'; did you mean 'LSTM'?")
    result = frit("prelude", "nothing_like_it", "chi2", status=1).says("no 'nothing_like_it' (frit prelude lists it)")
    assert "divergence chi2" in result.out


main(globals())
