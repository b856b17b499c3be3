r"""The words and signs that answers are written with, as tables: what each is spelt as, and what says nothing.

Sources: commands are those of LaTeX, amsmath and amssymb; words and units were read off golds and replies to MATH-500,
AIME, OlympiadBench, Minerva and GSM8K.
"""

import unicodedata


def words_of(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


def any_of(*phrases: str) -> str:
    """A pattern that matches any of these, to stand within brackets of its own."""
    return "|".join(phrases)


def group_of(*phrases: str) -> str:
    return f"(?:{any_of(*phrases)})"


def table(text: str) -> dict[str, str]:
    """`a b c = d; e = f` as {a: d, b: d, c: d, e: f}."""
    pairs = (entry.partition(" = ") for entry in text.split(";") if entry.strip())
    return {name: new.strip() for names, _, new in pairs for name in names.split()}


# ---- signs

GREEK = words_of("""
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega
    Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega
""")
# Marks that nobody sees and that turn no signs around; TeX's own invisible signs say something.
INVISIBLE = dict.fromkeys(
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2066\u2067\u2068\u2069\ufe0f\ufeff\x00", ""
)
INVISIBLE |= {"\u2062": "*", "\u2063": ","}
SIGNS = INVISIBLE | {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "∕": "/",
    "⁄": "/", "≤": "\\leq ", "≥": "\\geq ", "⩽": "\\leq ", "⩾": "\\geq ", "≠": "\\neq ", "≈": "\\approx ",
    "≡": "\\equiv ", "∞": "\\infty ", "∪": "\\cup ", "∩": "\\cap ", "∈": "\\in ", "∉": "\\notin ", "⊂": "\\subset ",
    "⊆": "\\subseteq ", "∖": "\\setminus ", "∅": "\\emptyset ", "±": "\\pm ", "∓": "\\mp ", "√": "\\surd ",
    "∠": "\\angle ", "⇔": "\\iff ", "△": "\\triangle ", "∧": "\\land ", "∨": "\\lor ", "¬": "\\neg ", "→": "\\to ",
    "⇒": "\\implies ",
    "∑": "\\sum ", "∫": "\\int ", "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}", "ℕ": "\\mathbb{N}", "ℚ": "\\mathbb{Q}",
    "ℂ": "\\mathbb{C}", "⌊": "\\lfloor ", "⌋": "\\rfloor ", "⌈": "\\lceil ", "⌉": "\\rceil ", "⟨": "\\langle ",
    "⟩": "\\rangle ", "°": "\\degree ", "º": "\\degree ", "′": "'", "’": "'", "‘": "'", "″": "''", "“": '"', "”": '"',
    "€": "\\euro ", "₹": "\\rupee ", "£": "\\pounds ", "¥": "\\yen ", "￥": "\\yen ", "¢": "\\cent ",
    "。": ". ", "、": ", ", "；": ";",
    "㎡": "m^2", "ϵ": "\\epsilon ", "ϕ": "\\phi ", "µ": "\\mu ", "ℓ": "\\ell ", "…": "\\dots ", "⋯": "\\dots ",
    "½": "\\frac{1}{2}", "⅓": "\\frac{1}{3}", "⅔": "\\frac{2}{3}", "¼": "\\frac{1}{4}", "¾": "\\frac{3}{4}",
    "✓": "", "✔": "", "✅": "", "☑": "", "∎": "", "■": "", "□": "",
}  # fmt: skip
SIGNS |= {unicodedata.lookup(f"GREEK SMALL LETTER {name.upper().replace('LAMBDA', 'LAMDA')}"): f"\\{name} "
          for name in GREEK if name.islower()}  # fmt: skip
SIGNS |= {unicodedata.lookup(f"GREEK CAPITAL LETTER {name.upper().replace('LAMBDA', 'LAMDA')}"): f"\\{name} "
          for name in GREEK if name.istitle()}  # fmt: skip
SIGN_TABLE = str.maketrans(SIGNS)
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))

# ---- commands: name -> its one spelling

RENAMED = table(r"""
    dfrac tfrac cfrac nicefrac sfrac = \frac; dbinom tbinom = \binom; le leqslant leqq = \leq;
    ge geqslant geqq = \geq; ne = \neq; lt = <; gt = >; cdot times ast = *; div = /; lbrace = \{; rbrace = \};
    lbrack = [; rbrack = ]; lvert rvert vert mid = |; lVert rVert Vert = \|; langle = (; rangle = );
    varnothing = \emptyset; imath = i; jmath = j; colon = :; wedge = \land; vee = \lor; reals R = \mathbb{R}; sp = ^;
    sb = _; tg = \tan; ctg cotan = \cot; cosec = \csc; lg = \log; arcctg arccot = \arccot;
    ldots cdots dotsc dotsb dotsm dots = \dots; backslash = \setminus; approxeq simeq sim = \approx;
    rightarrow longrightarrow = \to; Rightarrow Longrightarrow = \implies; lnot = \neg;
    leftrightarrow Leftrightarrow Longleftrightarrow = \iff;
    bigcup = \cup; bigcap = \cap; bmod pmod = \mod; prime = '; textdegree = \degree;
    percent = %; textendash textminus = -;
    colonequals = =; textbackslash = \setminus; infin = \infty; varphi = \phi; varepsilon = \epsilon;
    vartheta = \theta; subsetneq = \subset; smallsetminus = \setminus; dotso = \dots; acute = \acute; asin = \arcsin;
    arctg = \arctan; acos = \arccos; atan = \arctan
""")
# Commands that only style or space what follows; those with a size or colour bring it in braces.
DROPPED = listed("""
    left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle displaystyle textstyle
    scriptstyle scriptscriptstyle limits nolimits displaylimits hfill hfil normalsize large Large LARGE huge
    Huge small tiny footnotesize boldsymbol bm boldmath bf rm it sf tt sl bfseries itshape rmfamily pmb
    mathstrut strut therefore because thus hence checkmark blacksquare square Box qed qedsymbol medspace enspace
    thinspace thickspace noindent centering null relax nonumber notag ensuremath smash mathrel mathbin mathop
    mathord mathopen mathclose protect par newline linebreak star bigstar clubsuit
""")
WITH_ARGUMENT = listed(
    "hspace vspace phantom hphantom vphantom color tag label hskip vskip kern mspace cancel bcancel xcancel sout st"
)
SPACES = listed("quad qquad space enspace thinspace medspace thickspace nobreakspace")
# Their content is words, where it has more than one letter; or it is mathematics in another face.
TEXT = listed("""
    text textbf textit textrm texttt textsf textsc textnormal textup textmd emph mbox hbox mathrm operatorname
    operatorname* rm
""")
FACES = listed("""
    mathbf mathit mathsf mathtt mathcal mathscr mathfrak bold underline underbar boxed fbox framebox uline
    textcolor colorbox fcolorbox bbox
""")
FUNCTIONS = listed("""
    sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth ln log exp lcm gcd max
    min mod det dim ker sgn arg lim sup inf cis
""")
PLAIN_NAMES = {"pi": "\\pi", "sqrt": "\\surd", "infinity": "\\infty", "infty": "\\infty", "oo": "\\infty"} | {
    name: "\\" + name for name in GREEK if len(name) > 3 and name.islower()
}
ALIGNMENTS = listed("align align* aligned equation equation* gather gather* gathered split displaymath math")

# ---- words

# What announces, hedges or closes an answer without changing its value; beside mathematics it is dropped.
SAYS_NOTHING = listed("""
    the a an answer answers is are be equals equal to so thus therefore hence then final correct value values
    result results solution solutions we get have obtain find which it this that there our my in total exactly
    approximately about roughly approx probably likely simply just altogether respectively equivalently of only
    indeed finally overall each here ie namely giving gives them guess guessed estimate estimated rounded
    约 大约 约为 约是 约等于 一共有 共有 总共有 一共 总共 一共是 总共是 是 为 等于 所以 因此
""")
# Words that no remark beside an answer may hold: with them it says something else.
CHANGES = listed("""
    not no non isn't aren't wasn't never none neither nor without except than more less fewer over under above
    below beyond least most minimum maximum up or either between if when unless where whenever for every any
    dozen dozens hundred hundreds thousand thousands million millions billion billions trillion half halves
    third thirds quarter quarters fifth fifths sixths sevenths eighths ninths tenths hundredths thousandths pair
    pairs score tens ones twos threes fours fives sixes sevens eights nines times squared cubed factorial plus
    minus choose mod modulo root power powers even odd infinite infinitely wrong incorrect impossible
    false cannot can't does doesn't but instead rather almost nearly another other others base binary
    hexadecimal octal and with by from where exclusive inclusive unknown undefined doubled twice negative
    inverse reciprocal per as remainder backwards upwards downwards fails exceeds divides violates contradicts lacks
    misses differs disagrees
""")
MINUS = frozenset(("negative", "minus"))
MULTIPLIERS = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12,
    "万": 10**4, "亿": 10**8,
}  # fmt: skip
ORDINALS = frozenset(("st", "nd", "rd", "th"))
# Ways to say that there is no answer (a set without elements is one of them), every number of a kind, or infinity
MEANINGS = table(r"""
    none nosolution nosolutions norealsolution norealsolutions therearenosolutions thereisnosolution nosolutionsexist
    nosolutionexists emptyset theemptyset nosuchnumber nosuchnumbers \emptyset \{\} = none;
    allrealnumbers allreals allrealvalues anyrealnumber therealnumbers \mathbb{R} (-\infty,\infty) = reals;
    integers allintegers theintegers anyinteger everyinteger \mathbb{Z} = integers;
    positiveintegers allpositiveintegers allpositiveintegersn anypositiveinteger \mathbb{Z}^+ = positive integers;
    infinity positiveinfinity \infty = infinity;
    dne doesnotexist limitdoesnotexist thelimitdoesnotexist nonexistent = not there
""")
ONES = words_of("""
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
""")
TENS = words_of("twenty thirty forty fifty sixty seventy eighty ninety")
# Numbers below a hundred in words, without what stands between them.
NUMERALS = {word: str(i) for i, word in enumerate(ONES)}
NUMERALS |= {ten + (ONES[i] if i else ""): f"{ten_at}{i}" for ten_at, ten in enumerate(TENS, 2) for i in range(10)}
# 七, 十二, 二十, 九十九
HAN_ONES = ("", *"一二三四五六七八九")
NUMERALS |= {
    (HAN_ONES[ten] if ten > 1 else "") + ("十" if ten else "") + HAN_ONES[i]: str(10 * ten + i)
    for ten in range(10)
    for i in range(not ten, 10)
}
PARTS = "half third quarter fifth sixth seventh eighth ninth tenth".split()
NUMERALS |= {
    f"{ONES[above]}{name}{plural}": f"\\frac{{{above}}}{{{below}}}"
    for below, name in [*enumerate(PARTS, 2), (4, "fourth")]
    for above in range(1, 10)
    for plural in ("s" if above > 1 else "",)
}
NUMERALS |= {"half": "\\frac{1}{2}"}
LARGE = {"million": 10**6, "thousand": 10**3, "hundred": 10**2, "dozen": 12}
BASES = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "sixteen": 16, "binary": 2, "octal": 8, "decimal": 10, "hexadecimal": 16, "hex": 16,
}  # fmt: skip

# ---- units: word -> its one name; `^2` and `/` are part of some

UNITS = table("""
    degree degrees deg degs = degree; radian radians rad rads = rad; percent percentage pct = percent;
    dollar dollars usd buck bucks = dollar; cent cents penny pennies = cent; yuan rmb = yuan; euro euros eur = euro;
    pound pounds lb lbs = pound; yen jpy = yen; rupee rupees = rupee;
    mm millimeter millimeters millimetre millimetres = mm; cm centimeter centimeters centimetre centimetres = cm;
    dm decimeter decimeters = dm; m meter meters metre metres = m;
    km kilometer kilometers kilometre kilometres kms = km; nm nanometer nanometers = nm;
    um micrometer micrometers micron microns = um; angstrom angstroms = angstrom; inch inches in = in;
    foot feet ft = ft; yard yards yd yds = yd; mile miles mi = mi; mph = mi/h; kph kmh kmph = km/h; au = au;
    pc parsec parsecs = pc; kpc = kpc; mpc = mpc; ly lightyear lightyears = ly; mg milligram milligrams = mg;
    g gram grams gm = g; kg kilogram kilograms kgs = kg; ounce ounces oz = oz; ton tons = ton; tonne tonnes = tonne;
    ml milliliter milliliters millilitre millilitres = ml; l liter liters litre litres = l;
    gallon gallons gal = gallon; quart quarts = quart; pint pints = pint; cup cups = cup; acre acres = acre;
    s sec secs second seconds = s; ms millisecond milliseconds = ms; ns nanosecond nanoseconds = ns;
    min mins minute minutes = min; h hr hrs hour hours = h; day days = day; week weeks = week; month months = month;
    year years yr yrs = year; hz hertz = hz; khz = khz; mhz = mhz; ghz = ghz; j joule joules = j; kj = kj; ev = ev;
    kev = kev; mev = mev; gev = gev; cal calorie calories = cal; kcal = kcal; k kelvin kelvins = k; celsius = celsius;
    fahrenheit = fahrenheit; n newton newtons = n; pa pascal pascals = pa; kpa = kpa; mpa = mpa; atm = atm; bar = bar;
    v volt volts = v; mv = mv; w watt watts = w; kw = kw; mw = mw; mol mole moles mols = mol; molar molarity = molar;
    amp amps ampere amperes = a; coulomb coulombs c = c; ohm ohms = ohm; kohm = kohm; farad farads f = f; tesla t = t;
    henry henries = henry; gauss = gauss; erg ergs = erg; dyne dynes = dyne; bit bits = bit; byte bytes = byte;
    rpm = rpm; kr krona kronor krone kroner = krone;
    db decibel decibels = db; am = am; pm = pm; unit units einheit einheiten = unit;
    stunde stunden = h; minuten = minute; sekunden = s; tage = day; wochen = week; monate = month; jahre = year;
    personen = person; stück = unit; lösungen = solution; möglichkeiten wege = way; zahlen = number;
    способов способа = way; решений решения = solution; чисел числа = number;
    человек человека = person; рублей рубля = rouble; часов часа = h; минут минуты = min; градусов = degree;
    вариантов варианта раз раза штук пар = unit; см = cm; км = km; кг = kg
""")
# Units that are parts of each other, the largest first: of two quantities in them, one is the rest of the other.
DIVIDED = (
    ("year", "month", "week", "day", "h", "min", "s"),
    ("mi", "yd", "ft", "in"),
    ("km", "m", "cm", "mm"),
    ("pound", "oz"),
    ("dollar", "cent"),
)
# Before a sum of money
CURRENCIES = {"USD": "dollar", "EUR": "euro", "GBP": "pound", "INR": "rupee", "Rs": "rupee", "RMB": "yuan"}
# Things that are counted: singular = plural is made by rule but for these.
COUNTED = table("""
    people person persons = person; man men = man; woman women = woman; child children kid kids = child;
    mouse mice = mouse; goose geese = goose; fish = fish; sheep = sheep; die dice = die; vertex vertices = vertex;
    index indices = index; matrix matrices = matrix; knife knives = knife; leaf leaves = leaf; way ways = way;
    student students = student; apple apples = apple; ball balls = ball; point points = point; coin coins = coin;
    number numbers = number; digit digits = digit; edge edges = edge; side sides = side; time = time;
    grade = grade;
    place = place; page pages = page; solution solutions = solution; integer integers = integer;
    photon photons = photon; atom atoms = atom; triple triples = triple; value values = value; set sets = set;
    marble marbles = marble; girl girls = girl; roots = root; boy boys = boy; book books = book; ticket tickets = ticket
""")
# Adjectives of what is counted.
ADJECTIVES = listed("""
    different distinct possible total real positive integer whole prime ordered such valid unique remaining full
    small large red blue green white black many complex natural
""")
# Chinese, Japanese and Korean: what counts things, which may be followed by their name; and what says more than that.
COUNTERS = words_of("""
    个 個 只 颗 页 元 円 圆 米 厘米 公里 千米 小时 分钟 秒 天 年 岁 歳 人 名 位 次 种 種 件 本 支
    张 枚 条 台 辆 块 双 对 朵 棵 头 匹 座 间 层 份 杯 瓶 袋 箱 盒 克 千克 公斤 斤 升 毫升 平方米
    平方厘米 立方米 立方厘米 度 回 通り つ 冊 時間 分 日 개 명 권 마리 원 살 시간 분 초 일 번 가지 장
    대 です である だ 입니다 이다
""")
CHANGES_CJK = frozenset("或和与不非以上至少多约倍成百千万亿第余半または以下未満超えとや또는이상이하미만초과약")
COPULAS_CJK = frozenset(("です", "である", "だ", "입니다", "이다"))
