r"""Other answers made from a gold, by rule: some say the same, some something else. What a grader must tell apart.

Each class yields answers for the golds that it applies to, and nothing for others. A class stands for what people and models
do to an expression: another spelling of the same value, or a slip (a sign, a digit, a bracket, a unit).
"""

import re
from collections.abc import Callable, Iterator

Mutation = Callable[[str], Iterator[str]]

INTEGER = re.compile(r"-?\d+")
NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)")
FRACTION = re.compile(r"(-?)\\[dt]?frac\{(\d+)\}\{(\d+)\}")
# Numbers and their functions, without letters, words, lists or relations.
VALUE = re.compile(
    r"(?:\d|[-+*/.()^{} ]|\\(?:[dt]?frac|sqrt(?:\[\d\])?|pi|cdot|left|right|times|binom|ln|log)(?![a-zA-Z])|!)+"
)
TUPLE = re.compile(r"(?:\\left)?\s*([(\[])([^()\[\]]+),([^()\[\],]+?)\s*(?:\\right)?\s*([)\]])")
INTERVAL = re.compile(r"(?:\\left)?\s*([(\[])([^()\[\],]+),([^()\[\],]+?)\s*(?:\\right)?\s*([)\]])")
LETTER = re.compile(r"(?<![a-zA-Z\\{])(?<!\\text)([a-zA-Z])(?![a-zA-Z])")
# TeX takes one digit each: \\frac43 1 is no \\frac{4}{31}.
UNBRACED = re.compile(r"\\(?:[dt]?frac|sqrt)\s*\d|\\frac\{[^{}]*\}\d")
WORDS = re.compile(r"\\text\{([A-Za-z]{3,})\}")
FUNCTIONS = {
    "sin": "cos", "cos": "sin", "ln": "log", "arcsin": "arccos", "exp": "sin", "lfloor": "lceil", "cup": "cap", "pi": "phi",
    "cot": "tan", "log": "ln", "infty": "pi", "alpha": "beta", "omega": "Omega", "theta": "phi", "lambda": "mu",
}  # fmt: skip


def bare(gold: str) -> str:
    """Gold without the dollars around it."""
    return gold[1:-1] if len(gold) > 2 and gold[0] == gold[-1] == "$" and "$" not in gold[1:-1] else gold


def is_value(gold: str) -> bool:
    """One number: no letter, list, tuple or unit."""
    return VALUE.fullmatch(gold) is not None and re.search(r"\d|pi", gold) is not None and "," not in gold


def is_sum_free(gold: str) -> bool:
    return not re.search(r"[-+]", gold[1:]) and gold[0] != "-"


def in_text(gold: str, at: int) -> bool:
    """Whether the place lies in \\text{…}, a command's name or a subscript."""
    begin = max(gold.rfind("\\text{", 0, at), gold.rfind("\\mbox{", 0, at))
    return begin >= 0 and "}" not in gold[begin:at]


# ---- the same


def delimiters(gold: str) -> Iterator[str]:
    yield f" {gold} "
    if "$" not in gold:
        yield f"${gold}$"
        yield f"\\({gold}\\)"
        yield f"$\\displaystyle {gold}$"
        yield f"\\displaystyle {gold}."


def styles(gold: str) -> Iterator[str]:
    if "$" not in gold:
        yield f"\\textcolor{{red}}{{{gold}}}"
        yield f"\\color{{blue}}{gold}"
        yield f"\\mathbf{{{gold}}}"
        yield f"{{{gold}}}" if "," not in gold else gold + "\\,"
        yield gold + " \\checkmark"
        yield gold + "\\quad\\blacksquare"
        yield "\\underline{\\underline{" + gold + "}}"


def sizes(gold: str) -> Iterator[str]:
    plain = re.sub(r"\\(?:left|right)(?![a-zA-Z])\s*", "", gold)
    yield plain
    if not re.search(r"[(\[][^()\[\]]*[)\]]\s*\\?\}", plain):
        yield re.sub(r"(?<!\\sqrt)([(\[])", r"\\left\1", plain).replace(")", "\\right)").replace("]", "\\right]") if not re.search(
            r"\\sqrt\s*\[|\\log|\\text|\\\]|\\\(", plain) else plain  # fmt: skip
    yield gold.replace("\\frac", "\\dfrac")
    yield gold.replace("\\frac", "\\tfrac")


def spaces(gold: str) -> Iterator[str]:
    """More white space, and none, where it says nothing."""
    if "\\text" in gold or "\\mbox" in gold or " m" in gold or "where" in gold or re.search(r"\de-", gold):
        return
    yield re.sub(r"(?<![\\,])([-+=,()])(?!\\)", r" \1 ", gold)
    yield re.sub(r"(\\[a-zA-Z]+)\s+(?![a-zA-Z])", r"\1", re.sub(r"(?<=[-+=,(){}])\s+|\s+(?=[-+=,(){}])", "", gold))
    yield re.sub(r"(?<=[=+])", r"\\,", gold)


def other_signs(gold: str) -> Iterator[str]:
    if "$" not in gold and "\\text" not in gold:
        yield gold.replace("-", "−")
        yield gold.translate({ord("0") + i: ord("０") + i for i in range(10)} | {ord("."): "．"})
        yield gold.replace("\\pi", "π").replace("\\infty", "∞").replace("\\theta", "θ").replace("\\cup", "∪")


def plain_fractions(gold: str) -> Iterator[str]:
    """`a/b` for `\\frac{a}{b}` and back."""
    if FRACTION.search(gold) and "^" not in gold and not re.search(r"\d\s*\\[dt]?frac", gold):
        yield FRACTION.sub(r"\1(\2/\3)", gold)
        yield FRACTION.sub(lambda m: f"{m[1]}\\frac{{{3 * int(m[2])}}}{{{3 * int(m[3])}}}", gold)
    if FRACTION.fullmatch(gold):
        yield FRACTION.sub(r"\1\2/\3", gold)
        yield FRACTION.sub(r"\\frac{\g<1>\2}{\3}", gold)


def numbers(gold: str) -> Iterator[str]:
    """Other spellings of a plain number."""
    if INTEGER.fullmatch(gold):
        yield gold + ".0"
        yield gold + ".00"
        yield gold + ",00"
        yield f"\\text{{{gold}}}"
        if len(gold.lstrip("-")) > 3:
            grouped = f"{int(gold):,}"
            yield from (grouped, grouped.replace(",", "{,}"), grouped.replace(",", "\\,"), grouped.replace(",", " "))
            yield grouped.replace(",", ",\\!")
            yield "\\$" + grouped + ".00"
        yield f"{2 * int(gold)}/2"
        yield f"{int(gold) - 7} + 7" if int(gold) > 7 else gold
    if re.fullmatch(r"-?\d+\.\d{2,}", gold):
        yield gold + "0"
        yield gold.replace(".", "{,}") if len(gold.partition(".")[2]) != 3 else gold
        yield gold.replace(".", ",") if len(gold.partition(".")[2]) != 3 else gold
    if re.fullmatch(r"-?\d+(?:\.\d+)?e-?\d+", gold):
        mantissa, _, exponent = gold.partition("e")
        yield f"{mantissa} \\times 10^{{{exponent}}}"
        yield f"{mantissa}\\cdot10^{{{exponent}}}"


def named(gold: str) -> Iterator[str]:
    """Behind a name, an announcement, or with a unit where gold has none."""
    if is_value(gold):
        yield f"x = {gold}"
        yield f"x_1 = {gold}"
        yield f"f(2) = {gold}"
        yield f"m+n = {gold}"
        yield f"\\angle ABC = {gold}^\\circ" if is_sum_free(gold) else f"\\text{{Area}} = {gold}"
        yield f"\\text{{The answer is }} {gold}"
        yield f"\\text{{Area}} = {gold}"
        yield f"({gold})"
        yield f"{gold} = {gold}"
        if is_sum_free(gold):
            yield f"{gold} \\text{{ cm}}"
            yield f"{gold}\\,\\mathrm{{m}}^2"
            yield f"{gold}\\text{{ apples}}"
            yield f"{gold} \\text{{ square units}}"
    if NUMBER.fullmatch(gold):
        yield f"{gold} km/h"
        yield f"{gold} \\frac{{\\text{{km}}}}{{\\text{{h}}}}"
        yield f"{gold}\\%"
        yield f"{gold}^\\circ"
        yield f"{gold} \\text{{ in total}}"
        yield f"\\approx {gold}"
    if INTEGER.fullmatch(gold) and gold[0] != "-":
        yield gold + "^{\\text{th}}"
        yield gold + "th"
        yield gold + "个"


def without_name(gold: str) -> Iterator[str]:
    match = re.fullmatch(r"([a-zA-Z](?:_\{?\\?\w+\s*\}?)?)\s*=\s*([^=,]+)", gold)
    if match and not re.search(r"dM|dt", gold):
        yield match[2]


def without_unit(gold: str) -> Iterator[str]:
    unitless = re.sub(r"\s*\^\\circ$|\s*\\%$|^\\\$|\s*\\(?:text|mbox)\{ [a-z]+\}(?:\^\d)?$", "", gold)
    if unitless != gold:
        yield unitless
    if gold.endswith("^\\circ"):
        yield gold.replace("^\\circ", "°")
        yield gold.replace("^\\circ", "\\text{ degrees}")
        yield gold.replace("^\\circ", "^{\\circ}")


def terms(gold: str) -> Iterator[str]:
    """The terms of a sum in another order, factors with their sign between them."""
    if re.fullmatch(r"[^(){},=\\]*", gold) and re.search(r"[a-z]", gold) and "\\" not in gold and "'" not in gold:
        parts = re.findall(r"[-+]?\s*[^-+]+", gold)
        if len(parts) > 1 and not re.search(r"\^\s*[-+]|[:<>]|np|e-|\n", gold):
            yield (
                "+".join(reversed([part.strip() for part in parts]))
                .replace("+-", "-")
                .replace("++", "+")
                .replace("+ ", "+")
            )
    yield re.sub(r"(?<=\d)\s*\\sqrt", r"\\cdot\\sqrt", gold)
    yield re.sub(r"(?<=\d)\s*\\pi", r" \\times \\pi", gold)
    yield re.sub(r"\\sqrt\s*(\d)(?!\d)", r"\\sqrt{\1}", gold)
    yield re.sub(r"\\sqrt\s*\{(\d)\}", r"\\sqrt \1", gold)
    yield re.sub(r"\\sqrt\s*\{(\d+)\}", r"√\1", gold)


def orders(gold: str) -> Iterator[str]:
    """A list in another order, in braces, with words between."""
    parts = [part.strip() for part in gold.split(",")]
    if len(parts) > 1 and all(NUMBER.fullmatch(part) or FRACTION.fullmatch(part) for part in parts):
        ambiguous = len(gold.replace(" ", "")) == len(gold) and re.search(r"\d,\d{3}(?!\d)", gold)
        if not ambiguous and (len(parts) > 2 or not re.fullmatch(r"-?\d+,\d\d+", gold)):
            yield ", ".join(reversed(parts))
            yield "\\{" + ", ".join(reversed(parts)) + "\\}"
            yield " \\text{ and } ".join(parts)
            yield " \\text{ or } ".join(f"x = {part}" for part in parts)
            yield "; ".join(parts)


def as_inequality(gold: str) -> Iterator[str]:
    """An interval as an inequality, where its brackets or bounds say that it is one; a union as a list."""
    yield gold.replace("\\cup", ",") if "\\cup" in gold and "\\{" not in gold and "in" not in gold[:6] else gold
    match = INTERVAL.fullmatch(gold.removeprefix("x \\in "))
    if match is None or not (gold.startswith("x ") or "\\infty" in gold or match[1] + match[4] not in ("()",)):
        return
    low, high = match[2].strip(), match[3].strip()
    left, right = "<" if match[1] == "(" else "\\le", "<" if match[4] == ")" else "\\le"
    if "\\infty" not in low and "\\infty" not in high:
        yield f"{low} {left} x {right} {high}"
    elif "\\infty" in low and "\\infty" not in high:
        yield f"x {right} {high}"
    elif "\\infty" in high and "\\infty" not in low:
        yield f"{low} {left} x"
    yield f"x \\in {match[1]}{low},{high}{match[4]}"


def other_case(gold: str) -> Iterator[str]:
    match = WORDS.fullmatch(gold)
    if match:
        yield from (
            match[1].upper(),
            match[1].lower(),
            match[1].title(),
            f"\\textbf{{{match[1]}}}",
            f"\\mathrm{{{match[1]}}}",
        )


ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def spoken(value: int) -> str:
    """A number below a hundred in words."""
    if value < 20:
        return ONES[value]
    return TENS[value // 10 - 2] + (f"-{ONES[value % 10]}" if value % 10 else "")


def in_words(gold: str) -> Iterator[str]:
    if INTEGER.fullmatch(gold) and 0 <= int(gold) < 100:
        word = spoken(int(gold))
        yield from (f"\\text{{{word}}}", word, f"\\text{{{word.title().replace('-', ' ')}}}")
    match = WORDS.fullmatch(gold)
    if match:
        yield from (f"\\text{{The {match[1]}}}", f"\\text{{a {match[1]}}}", f"\\text{{an {match[1]}}}")


def for_which(gold: str) -> Iterator[str]:
    """With what its letter is."""
    letters = [match[1] for match in LETTER.finditer(gold) if match[1] in "akmnpqrxyz"]
    if (
        letters
        and not gold.endswith(" m")
        and not re.search(r"[=<>,:$]|\\(?:text|mbox|le|ge|in|cup|cap|n?eq|geq|leq|infty|begin)(?![a-z])", gold)
    ):
        yield f"{gold}, {letters[0]} \\in \\mathbb{{Z}}"
        yield f"{gold} \\quad ({letters[-1]} \\in \\mathbb{{R}}^+)"
        yield f"{gold} \\text{{ for all }} {letters[0]}"
        yield f"{gold} \\text{{, where }} {letters[-1]} \\text{{ is an integer}}"


SAME: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        delimiters, styles, sizes, spaces, other_signs, plain_fractions, numbers, named, without_name, without_unit, terms,
        orders, as_inequality, other_case, in_words, for_which,
    )
}  # fmt: skip

# ---- something else


def sign(gold: str) -> Iterator[str]:
    for match in re.finditer(r"(?<![\\eE{^])([-+])(?=[\s\da-zA-Z\\(.])|(?<=\{)([-+])|(?<=\de)-", gold):
        if not in_text(gold, match.start()):
            other = "+" if match[0] == "-" else "-"
            yield gold[: match.start()] + other + gold[match.end() :]
    if is_value(gold) and gold.strip("0.") and gold[0] not in "-+":
        yield "-" + (gold if is_sum_free(gold) else f"({gold})")


def digit(gold: str) -> Iterator[str]:
    for match in re.finditer(r"\d", gold):
        yield gold[: match.start()] + str((int(match[0]) + 1) % 10) + gold[match.end() :]


def digits(gold: str) -> Iterator[str]:
    """A digit more, or one less."""
    if UNBRACED.search(gold):
        return
    for match in re.finditer(r"\d+(?:\.\d+)?", gold):
        yield gold[: match.end()] + "1" + gold[match.end() :]
        if len(match[0]) > 1 and match[0][-1] not in "0." and match[0][-2] != ".":
            yield gold[: match.end() - 1] + gold[match.end() :]


def apart(gold: str) -> Iterator[str]:
    """Digits that no longer stand together."""
    if UNBRACED.search(gold):
        return
    for match in re.finditer(r"(?<![\d.])(?:\d{2}|\d{4,6})(?![\d.])", gold):
        if not re.search(r"\\(?:text|mbox)", gold) and (len(match[0]) == 2 or len(match[0]) > 4):
            yield gold[: match.start() + 1] + " " + gold[match.start() + 1 :]
    yield from (re.sub(r"\^\{(\d)(\d+)\}", r"^\1 \2", gold, count=1),) if re.search(r"\^\{\d{2,}\}", gold) else ()


def bracket(gold: str) -> Iterator[str]:
    match = INTERVAL.fullmatch(gold.removeprefix("x \\in "))
    if match:
        low, high = match[2], match[3]
        for opening in "([":
            for closing in ")]":
                infinite = ("\\infty" in low and opening == "[") or ("\\infty" in high and closing == "]")
                if (opening, closing) != (match[1], match[4]) and not infinite:
                    yield f"{opening}{low},{high}{closing}"
        yield f"\\{{{low},{high}\\}}"


def bound(gold: str) -> Iterator[str]:
    for old, new in (
        ("\\geqslant", ">"),
        ("\\geq", ">"),
        ("\\leq", "<"),
        ("\\le ", "<"),
        ("\\cup", "\\cap"),
        ("\\infty", "0"),
    ):
        if old in gold:
            yield gold.replace(old, new, 1)


def base(gold: str) -> Iterator[str]:
    match = re.fullmatch(r"(\d+)_\{?(\d)\}?", gold)
    if match:
        yield match[1]
        yield f"{match[1]}_{{{int(match[2]) + 1}}}"
        yield f"{match[1]}_{{10}}"
        yield f"-{match[1]}_{match[2]}"
        yield f"{match[1][::-1]}_{match[2]}" if match[1] != match[1][::-1] else f"{match[1]}1_{match[2]}"


def unit(gold: str) -> Iterator[str]:
    """Another unit where gold has one; and where it has none, a word that makes it another number."""
    for old, new in (
        ("cents", "dollars"), ("inches", "feet"), ("inches}^2", "inches}^3"), ("inches}^2", "in}"), ("cm}^2", "cm}^3"), ("cm", "mm"),
        ("degrees", "radians"), ("^\\circ", "\\text{ cm}"), ("\\$", "€"), (" m", " m^2"),
    ):  # fmt: skip
        if old in gold and "\\text" in gold + new + "\\text" and (old != " m" or gold.endswith(" m")):
            yield gold.replace(old, new)
    if is_value(gold) and is_sum_free(gold) and gold.strip("0."):
        yield from (
            f"{gold} \\text{{ {word}}}" for word in ("million", "dozen", "hundred", "thousand", "tens", "fifths")
        )
        yield f"{gold}万"


def word(gold: str) -> Iterator[str]:
    """Words that say something else."""
    match = WORDS.fullmatch(gold)
    if match:
        yield from (
            f"\\text{{not {match[1]}}}",
            f"\\text{{{match[1]}s}}",
            f"\\text{{{match[1][:-1]}}}",
            "\\text{neither}",
        )
    if INTEGER.fullmatch(gold) and 0 <= int(gold) < 99:
        yield from (f"\\text{{{spoken(int(gold) + 1)}}}", f"\\text{{not {spoken(int(gold))}}}")
    if is_value(gold):
        yield from (
            f"\\text{{not }} {gold}",
            f"\\text{{at least }} {gold}",
            f"\\text{{more than }} {gold}",
            f"\\text{{half of }} {gold}",
        )
        yield from (
            f"{gold} \\text{{ or more}}",
            f"{gold} \\text{{ if }} n > 1",
            f"{gold} \\text{{ is wrong}}",
            "\\text{no}",
        )
        yield from (f"\\text{{not equal to }} {gold}", f"\\ne {gold}", f"> {gold}", f"{gold} \\text{{ or }} 0{gold}1")
        yield f"1 \\text{{ because }} 0 + {gold} = {gold}"


def order(gold: str) -> Iterator[str]:
    match = TUPLE.fullmatch(gold)
    if match:
        parts = [part.strip() for part in f"{match[2]},{match[3]}".split(",")]
        if len(set(parts)) > 1 and not re.search(r"\{[^}]*$", parts[0]):
            moved = [*parts[1:], parts[0]]
            if moved != parts:
                yield match[1] + ",".join(moved) + match[4]
    match = FRACTION.fullmatch(gold)
    if match and match[2] != match[3]:
        yield f"{match[1]}\\frac{{{match[3]}}}{{{match[2]}}}"


def root(gold: str) -> Iterator[str]:
    for match in re.finditer(r"\\sqrt\s*(\{|\d)", gold):
        yield gold[: match.start()] + "\\sqrt[3]" + match[1] + gold[match.end() :]
        yield (
            gold[: match.start()] + match[1] + gold[match.end() :]
            if match[1] != "{" or gold[match.end() : match.end() + 2] not in ("0}", "1}")
            else ""
        )
    if "\\sqrt[3]" in gold:
        yield gold.replace("\\sqrt[3]", "\\sqrt")
    if re.search(r"(?<=[a-zA-Z)])\^(?:\{\d\}|\d)", gold):
        yield re.sub(r"(?<=[a-zA-Z)])\^(?:\{\d\}|\d)", "", gold, count=1)


def function(gold: str) -> Iterator[str]:
    for match in re.finditer(r"\\([a-zA-Z]+)", gold):
        if match[1] in FUNCTIONS:
            yield gold[: match.start(1)] + FUNCTIONS[match[1]] + gold[match.end(1) :]


def letter(gold: str) -> Iterator[str]:
    """Another letter, the same in capitals, or none."""
    if "\\text" in gold or "$" in gold or "\\mho" in gold or "np." in gold or "begin" in gold or "mbox" in gold:
        return
    for match in LETTER.finditer(gold):
        if match[1] in "de" or re.fullmatch(r"[a-z]\([a-z]\)\s*=\s*\d+", gold):
            continue
        other = next(c for c in "qwkz" if c not in gold)
        yield gold[: match.start()] + other + gold[match.end() :]
        if match[1].swapcase() not in gold:
            yield gold[: match.start()] + match[1].swapcase() + gold[match.end() :]
        if (
            re.search(r"[\d}]\s*$", gold[: match.start()])
            and gold[match.end() : match.end() + 1]
            not in (
                "^",
                "_",
                "(",
                "'",
            )
            and match[1] != "m"
        ):
            yield gold[: match.start()] + gold[match.end() :]


def subscript(gold: str) -> Iterator[str]:
    for match in re.finditer(r"(?<!\d)_(?:\{(\w)\}|(\w))", gold):
        yield gold[: match.start()] + gold[match.end() :]
        yield gold[: match.start()] + "_{9}" + gold[match.end() :]


def list_of(gold: str) -> Iterator[str]:
    """An element more, or one less; a number that only stands in a list."""
    if is_value(gold) and "!" not in gold:
        yield f"{gold}, {gold} + 1"
        yield f"\\pm {gold}" if gold.strip("0.-") else "1, 2"
        yield f"\\{{1, 17, {gold}\\}}"
        yield f"({gold}, 17)"
        yield f"x = {gold} \\text{{ or }} x = 17 + {gold}"
    parts = gold.split(",")
    if (
        len(parts) > 1
        and all(NUMBER.fullmatch(part.strip()) for part in parts)
        and not re.search(r"\d,\d{3}(?!\d)", gold)
    ):
        yield ",".join(parts[1:])
        yield gold + ",17.5"
        yield ",".join([*parts[:-1], parts[0]]) if parts[0].strip() != parts[-1].strip() else gold + ",3"


def equation(gold: str) -> Iterator[str]:
    """Equations that only end in gold."""
    if is_value(gold):
        yield f"x^2 = {gold}"
        yield f"2x = {gold}" if gold.strip("0.") else "x = 1"
        yield f"x + 1 = {gold}"
        yield f"17 + {gold} = {gold}"
        yield f"-x = {gold}"
        yield f"\\sqrt{{x}} = {gold}"
    match = re.fullmatch(r"([a-z])\s*=\s*([^=]+)", gold)
    if match:
        yield f"{'q' if match[1] != 'q' else 'r'} = {match[2]}"
        yield f"{match[1]}_1 = {match[2]}"
        yield f"{match[1]}^2 = {match[2]}"


def size(gold: str) -> Iterator[str]:
    """Ten times, half, one more, rounded."""
    if is_value(gold) and gold.strip("0."):
        yield f"10 \\cdot ({gold})"
        yield f"\\frac{{{gold}}}{{2}}"
        yield f"{gold} + 1"
        yield f"{gold}!" if INTEGER.fullmatch(gold) and int(gold) > 2 else f"2({gold})"
    if re.fullmatch(r"-?\d*\.\d+", gold):
        yield gold.replace(".", "") + "7"
        yield f"{float(gold) * 10:.10g}"
    if re.fullmatch(r"-?\d+(?:\.\d+)?e-?\d+", gold):
        yield re.sub(r"e(-?\d+)", lambda m: f"e{int(m[1]) + 1}", gold)


def rounded(gold: str) -> Iterator[str]:
    r"""The decimals of an exact value."""
    if "\\pi" in gold and is_value(gold):
        yield gold.replace("\\pi", "(3.14159)")
    match = re.fullmatch(r"(-?)\\[dt]?frac\{(\d+)\}\{(\d+)\}", gold)
    if match and (10**6 * int(match[2])) % int(match[3]):
        yield f"{match[1]}{int(match[2]) / int(match[3]):.4f}"


OTHER: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        sign, digit, digits, apart, bracket, bound, base, unit, word, order, root, function, letter, subscript, list_of,
        equation, size, rounded,
    )
}  # fmt: skip


def pairs(gold: str, mutations: dict[str, Mutation]) -> list[tuple[str, str]]:
    """(class, answer) for a gold, without dollars around it; answers that are gold itself are left out."""
    expression = bare(gold.strip())
    made = [(name, answer) for name, mutation in mutations.items() for answer in mutation(expression)]
    return [(name, answer) for name, answer in dict.fromkeys(made) if answer.strip() and answer.strip() != expression]
