r"""Golds of one form with what says the same and what says something else: @a, @b, @c stand for drawn numbers.

@a is from 2 to 6, @b from 7 to 12, @c from 13 to 40, so that no two of them are equal.
"""

import random
from collections.abc import Iterator

FAMILIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "residues": (
        (r"n \equiv @a \pmod{@c}", r"n \equiv @a \mod @c"),
        (r"@a \pmod{@c}", r"n\equiv @a\text{ (mod }@c)", r"n ≡ @a (mod @c)", r"n = @ck+@a", r"n=@ck+@a, k\in\mathbb{Z}"),
        (r"n \equiv @b \pmod{@c}", r"n \equiv @a \pmod{@b}", r"n \equiv -@a \pmod{@c}", r"m \equiv @a \pmod{@c}", "@b",
         r"n \not\equiv @a \pmod{@c}", "n = @ak+@c", "n=@ck-@a", "n=@ck", r"n \equiv @a, @b \pmod{@c}", "n=@cn+@a"),
    ),
    "one residue": (("@a",), (r"@a \pmod{@c}",), (r"n \equiv @a \pmod{@c}", r"@b \pmod{@c}", r"@c \pmod{@a}", "n = @ck+@a")),
    "functions by another letter": (
        ("f(z)=z", "f(x)=@ax", "f(n)=n^@a"),
        (),
        ("f(z)=@c", "g(x)=x", "f(z)=-z", "f(a)=b", "z=f(x)"),
    ),
    "the identity": (("f(z)=z",), ("f(x)=x", "f(n)=n", "z"), ("f(x)=y", "f=x", "f(x)=@ax", "x=f(y)")),
    "constants of integration": (
        (r"\frac{x^@a}{@b}+C", r"x^@a-@bx+C"),
        (),
        (r"\frac{x^@a}{@b}", "x^@a+@b", "Cx^@a", "x^@a-@bx-C", "x^@a-@bx+y", "x^@a+C", "x^@a-@bx+x"),
    ),
    "another name of the constant": (
        (r"@ax^@b+C",),
        ("@ax^@b+c", "@ax^@b+K", "c+@ax^@b", "C + @a x^{@b}"),
        ("@ax^@b", "@ax^@b-c", "@acx^@b", "@bx^@a+c", "@ax^@b+x", "@ax^@b+@ac", "@ax^@b+1"),
    ),
    "names of other things": (("R+C", "@aRC+R+C", "a+@bC", "C", "c"), (), ("R+K", "@aRC+R+K", "a+@bK", "K", "k")),
    "periods": (
        (r"\frac{\pi}{@a}+k\pi",),
        (r"\frac{\pi}{@a}+n\pi", r"\frac{\pi}{@a}+\pi n", r"x=\frac{\pi}{@a}+n\pi, n\in\mathbb{Z}"),
        (r"\frac{\pi}{@a}", r"\frac{\pi}{@a}+2n\pi", r"\frac{\pi}{@b}+n\pi", r"\frac{n\pi}{@a}+k\pi", r"\frac{\pi}{@a}+x\pi"),
    ),
    "cases": (
        (r"\begin{cases} x^@a & x \ge @b \\ -x & x < @b \end{cases}",),
        (
            r"\begin{cases} -x, & x < @b \\ x^@a, & x \geq @b \end{cases}",
            r"\begin{cases} x^@a & \text{if } @b \le x \\ -x & \text{if } x < @b \end{cases}",
            r"f(x)=\begin{cases} x^{@a} & \text{for } x \ge @b, \\ -x & \text{for } x < @b. \end{cases}",
        ),
        (
            r"\begin{cases} x^@a & x < @b \\ -x & x \ge @b \end{cases}",
            r"\begin{cases} x^@a & x > @b \\ -x & x \le @b \end{cases}",
            r"\begin{cases} x^@a & x \ge @c \\ -x & x < @c \end{cases}",
            r"\begin{cases} x^@a & x \ge @b \\ x & x < @b \end{cases}",
            r"\begin{cases} x^@a & x \ge @b \end{cases}",
            r"\begin{cases} x^@a & x \ge @b \\ -x & x < @b \\ 0 & x = @c \end{cases}",
            r"\begin{cases} -x & \text{otherwise} \\ -x & x < @b \end{cases}",
            "x^@a",
        ),
    ),
    "vectors": (
        (r"(@a,-@b,@c)", r"\begin{pmatrix}@a\\-@b\\@c\end{pmatrix}", r"\langle @a, -@b, @c\rangle"),
        (
            r"@a\mathbf{i}-@b\mathbf{j}+@c\mathbf{k}", r"@a\hat{i} - @b\hat{j} + @c\hat{k}", r"@c\vec{k}+@a\vec{i}-@b\vec{j}",
            r"@a\hat{\imath}-@b\hat{\jmath}+@c\hat{k}", r"[@a,-@b,@c]^T", r"(@a,-@b,@c)^T",
        ),
        (
            r"@a\mathbf{i}+@b\mathbf{j}+@c\mathbf{k}", r"@b\mathbf{i}-@a\mathbf{j}+@c\mathbf{k}", r"@a\mathbf{i}-@b\mathbf{j}",
            r"@a\mathbf{i}-@b\mathbf{j}+@c", r"@a\mathbf{i}\mathbf{j}-@b\mathbf{j}+@c\mathbf{k}", r"[@a,@b,@c]^T", "@ai-@bj+@ck",
        ),
    ),
    "quantities in two units": (
        (r"@a \text{ hours } @c \text{ minutes}",),
        (r"@a \text{ h } @c \text{ min}", r"@a \text{ hours and } @c \text{ minutes}", "@a hours @c minutes", "@a hours, @c minutes"),
        (
            r"@a \text{ hours}", r"@c \text{ minutes}", r"@c \text{ hours } @a \text{ minutes}", r"@a \text{ minutes } @c \text{ hours}",
            r"@a \text{ days } @c \text{ minutes}", r"@a \text{ hours } @c \text{ seconds}", "@a@c", "@a, @c", "@a.@c", "@a hours - @c minutes",
        ),
    ),
    "two quantities": ((r"@a \text{ apples and } @b \text{ pears}",), (r"@a, @b",), ("@a", "@b", "@a@b")),
    "things counted": (
        (r"@a \text{ men and } @b \text{ women}", r"@a \text{ men}, @b \text{ women}"),
        (r"@b \text{ women and } @a \text{ men}", "@a men, @b women", "@a, @b", "(@a,@b)"),
        (r"@b \text{ men and } @a \text{ women}", "@b, @a", r"@a \text{ men and } @b \text{ children}", "@a men", "@a@b", "@a, @b, @c"),
    ),
    "classes of integers": (
        (r"n=@bk+@a, k\in\mathbb{Z}",),
        ("n=@bm+@a", r"n=@bm+@a, m\in\mathbb{Z}", r"n\equiv @a\pmod{@b}", "@bk+@a"),
        (r"n=@bm-@a, m\in\mathbb{Z}", r"n\equiv @a\pmod{@c}", "n=@bn+@a", r"n=@ak+@b, k\in\mathbb{Z}", "@a", "n=@bm+@ak"),
    ),
    "signs of residues": (
        (r"x \equiv @a \text{ or } -@a \pmod{@c}",),
        (r"x \equiv \pm @a \pmod{@c}", r"x\equiv -@a, @a \pmod{@c}"),
        (r"x \equiv @a \pmod{@c}", r"x \equiv \pm @b \pmod{@c}"),
    ),
    "degrees and minutes": (
        (r"@c^\circ @b'",), (r"@c^{\circ}@b^{\prime}", "@c°@b'"), ("@c@b'", "@c^\\circ", "@b'", r"@c^\circ @b", r"@b^\circ @c'", "@c@b"),
    ),
    "degrees beside digits": (("@c@b",), (), (r"@c^\circ @b",)),
    "temperatures": (
        (r"@c^\circ\text{C}", "@c°C", r"@c \text{ degrees Celsius}"),
        (r"@c\,^\circ\mathrm{C}", "@c", r"@c^\circ"),
        (r"@c^\circ\text{F}", "@c°F", r"@c \text{ degrees Fahrenheit}", r"@c \text{ K}", r"-@c^\circ\text{C}"),
    ),
    "per": (
        (r"@a \text{ mol}^{-1}",), (r"@a/\text{mol}", "@a"), (r"@a \text{ mol}", r"@a/\text{kg}", r"\frac{1}{@a}\text{ mol}", r"@b/\text{mol}"),
    ),
    "per something": (("@a",), (r"@a/\text{mol}",), (r"@a/\text{foo}", r"/\text{mol}", r"@b/\text{mol}")),
    "letters that are also units": ((r"h\cdot @a",), ("@ah", "@a h"), ("@a", "@bh", "@a h^2")),
    "signs of infinity": ((r"x+\infty",), (), (r"x\infty",)),
    "values by their names": (("x=@a, y=@b",), ("@a, @b", "y=@b, x=@a"), ("@b, @a", "x=@b, y=@a", "@a", "@a, @b, @c")),
    "decimal commas behind a name": (("@a.@b",), ("x=@a,@b", "@a,@b"), ("x=@b,@a", "x=@a, @b")),
    "chains of equations": (("2x=3y=@c",), ("2x=3y=@c.0",), ("2x=3y=@b", "2x=@by=@c", "2x=3y", "3x=2y=@c")),
    "sides of an equation": (("x=@c",), ("@c=x", "@c.0=x"), ("@c=y", "@b=x", "-@c=x")),
    "cases of a function": (
        (r"f(x)=\begin{cases} 1 & x > @b \\ 0 & x \le @b \end{cases}",),
        (r"f(x)=\begin{cases} 0 & x \le @b \\ 1 & x > @b \end{cases}",),
        (r"g(x)=\begin{cases} 1 & x > @b \\ 0 & x \le @b \end{cases}",),
    ),
    "currencies": ((r"\$@c", r"@c \text{ dollars}"), (r"\text{USD } @c", "USD @c", "@c"), (r"\text{EUR } @c", r"€@c", r"\text{USD } @b")),
    "ratios": (("@a:@b:@c",), (r"@a : @b : @c",), ("@b:@a:@c", "@a:@b", "@a:@c:@b", "@c:@b:@a", "@a:@b:-@c", r"\frac{@a}{@b}")),
    "ratios of twice as much": (("2:3:5",), ("4:6:10", "1:1.5:2.5"), ("4:6:11", "5:3:2", "4:9:25", "2:3:5:7", "0:0:0")),
    "sets of sets": (
        (r"\{@a,@b,@c\}",),
        (r"\{@c,@a,@b\}", "@a,@b,@c"),
        (r"\{\{@a\},\{@b\},\{@c\}\}", r"\{\{@a,@b\},@c\}", r"\{@a\},\{@b\},\{@c\}", r"\{@a,\{@b\},@c\}", r"\{\{@a,@b,@c\}\}"),
    ),
    "pairs by their names": (
        (r"\{(@a,@b),(@c,@a)\}", "(@a,@b),(@c,@a)"),
        (r"x=@a,y=@b \text{ or } x=@c,y=@a", r"y=@b,x=@a \text{ or } y=@a,x=@c"),
        (r"x=@a,y=@b", r"x=@a,y=@b \text{ or } x=@c,y=@b", r"x=@b,y=@a \text{ or } x=@a,y=@c", "x=@a,y=@b,z=@c,w=@a", "x=@a,x=@b,x=@c"),
    ),
    "sets that are built": (
        (r"(-\infty,@a)\cup(@b,\infty)",),
        (r"\{x:x<@a\}\cup\{x:x>@b\}", r"\{x \mid x<@a\}\cup\{x \mid x>@b\}", r"\{x: x<@a \text{ or } x>@b\}"),
        (r"\{x:x<@a\}\cap\{x:x>@b\}", r"\{x:x\le @a\}\cup\{x:x>@b\}", r"\{x:x<@a\}", r"\{x:x>@a\}\cup\{x:x<@b\}"),
    ),
    "sets without an element": (
        (r"[0,@b)\cup(@b,\infty)",),
        (r"[0,\infty)-\{@b\}", r"[0,\infty)\setminus\{@b\}", r"x\ge0, x\ne @b"),
        (r"[0,\infty)-\{@a\}", r"[0,\infty)-@b", r"(0,\infty)-\{@b\}", r"x\ge0", r"x\ne @b", r"[0,\infty)\cup\{@b\}"),
    ),
    "formulas without a value": (
        (r"\frac{x+@a}{x-@b}, x\ne @b",),
        (r"\frac{x+@a}{x-@b}", r"\frac{x+@a}{x-@b} \text{ for } x \neq @b"),
        (r"\frac{x+@a}{x-@c}", r"\frac{x+@a}{x-@b}, x\ne @c", r"\frac{x+@a}{x-@b}, x= @b", r"x\ne @b", r"\frac{x+@a}{x-@b}, y\ne @b"),
    ),
    "numbers in words too": (
        ("42",), ("forty-two (42)", r"42 \text{ (forty-two)}"), ("forty-two (43)", "forty-three (42)", "42 (43)", r"42\text{ (forty-three)}"),
    ),
    "fractions in words": (
        (r"\frac{2}{3}",), ("two thirds", r"\text{two-thirds}"),
        ("three halves", r"\text{two third}x", "two", "thirds", r"\text{two-thirds of } @a", "twenty-thirds", "third"),
    ),
    "reasons of yes and no": (
        (r"\text{Yes}",), (r"\text{Yes, it converges}",),
        (r"\text{No, it converges}", r"\text{Yes, but only if } n>@a", r"\text{Yes, unless it is odd}", r"\text{Yes, or no}", r"\text{not yes}",
         r"\text{Yes, it is not}"),
    ),
    "angles in either measure": (
        (r"@a0^\circ",),
        (r"\frac{@a\pi}{18}", r"\frac{@a}{18}\pi \text{ rad}", r"x=\frac{@a\pi}{18}", r"@a0 \text{ degrees}"),
        (r"\frac{@b\pi}{18}", r"\frac{@a\pi}{36}", r"@a0\pi", r"-\frac{@a\pi}{18}", r"@a0 \text{ rad}", r"\frac{@a\pi}{18} \text{ cm}"),
    ),
    "radians in gold": (
        (r"\frac{@a\pi}{18}",), (r"@a0^\circ", r"@a0 \text{ degrees}"), ("@a0", r"@b0^\circ", r"@a0 \text{ cm}", r"@a^\circ"),
    ),
    "no angle": (("@a0",), (r"@a0^\circ",), (r"\frac{@a\pi}{18}", r"\frac{@a\pi}{18}\text{ rad}")),
    "figures by their points": (
        (r"\overline{CD}",), ("CD", r"\text{segment } CD"), (r"\overrightarrow{CD}", "CE", "DE", r"\overline{CE}", r"\angle CD", "@aCD"),
    ),
    "triangles by their points": (
        (r"\triangle ABC",), ("ABC", r"\text{triangle } ABC"), (r"\angle ABC", "ABD", "AB", r"\triangle ABD", r"\triangle ABC D"),
    ),
    "hundreds and thousands in words": (
        ("3105",),
        (r"\text{three thousand one hundred five}", r"\text{three thousand one hundred and five}", "three thousand, one hundred five"),
        (r"\text{three thousand one hundred}", r"\text{three thousand five}", r"\text{one hundred five}", r"\text{three hundred thousand five}",
         r"\text{three thousand one hundred fifth}", r"\text{three thousand one hundred fifty}", r"\text{not three thousand one hundred five}"),
    ),
    "dozens": (("24",), (r"\text{two dozen}",), (r"\text{dozen}", r"\text{dozens}", r"\text{two dozens}x", r"\text{twelve dozen}")),
    "days as computers write them": (
        (r"\text{July } @a, 1999",), ("1999-07-0@a",), ("1999-0@a-17", "1998-07-0@a", "1999-08-0@a", "1999-07-1@a", "07-0@a"),
    ),
    "decimal commas before a factor": (
        (r"@a.@b\pi", r"@a.@b\cdot10^8"), (), (r"@a.@c\pi", r"@a, @b\pi", r"@a, @b\cdot10^8", r"@a@b\pi"),
    ),
    "a decimal comma before pi": ((r"@a.@b\pi",), (r"@a,@b\pi", r"@a,@b \cdot \pi"), (r"@a, @b\pi", r"@b,@a\pi", r"(@a,@b\pi)")),
    "signs that nobody sees": (("@c@b",), ("@c\u200e@b", "\u2060@c@b", "@c\u00ad@b"), ("@c\u2062@b", "\u202e@c@b", "@c\u2063@b")),
    "remarks of a guess": (("@c",), (r"@c \text{ (guess)}", r"@c \text{ (rounded)}", "约@c"), (r"@c \text{ (or } @b)", "不到@c", "约@b")),
    "letters behind a number in a group": (
        (r"\sqrt{\frac{2GM}{@ar}}", r"\left(\frac{2 G M}{@a r}\right)^{1/2}"),
        (r"\sqrt{2GM/(@ar)}",),
        (r"\sqrt{\frac{GM}{@ar}}", r"\sqrt{\frac{2}{@ar}}", r"\sqrt{\frac{2Gm}{@ar}}", r"\sqrt{\frac{@bGM}{@ar}}"),
    ),
    "units in a group": ((r"\left(@a \text{ cm}, @b \text{ cm}\right)",), ("(@a, @b)", "(@a cm, @b cm)"), ("(@a km, @b km)", "(@b cm, @a cm)")),
    "negatives in words": (
        ("-@c",), (r"\text{negative } @c", r"\text{minus } @c", r"\text{The answer is minus } @c"),
        ("@c", r"\text{not minus } @c", r"@b \text{ minus } @c", r"\text{negative } -@c", r"\text{negative } @b"),
    ),
    "negative seventeen": (("-17",), (r"\text{negative seventeen}", "minus seventeen"), ("seventeen", r"\text{negative seventy}", r"\text{negative}")),
    "double factorials": (
        ("@a(2n)!!", "@a((2n)!!)"), (r"@a\cdot 2^n n!",), ("@a(2n)!", "@an!!", "(2n)!!", r"2^n(@an)!", "@a(2n-1)!!", "@a(2n!)!"),
    ),
    "double factorials of odd numbers": (("(2n-1)!!",), (r"\frac{(2n)!}{2^n n!}",), ("(2n)!!", "(2n+1)!!", r"\frac{(2n)!}{n!}")),
    "systems": (
        (r"\begin{cases}x=@a\\y=@b\end{cases}",), ("(@a,@b)", "x=@a, y=@b", r"\begin{cases}y=@b\\x=@a\end{cases}"),
        ("(@b,@a)", r"\begin{cases}x=@b\\y=@a\end{cases}", "x=@a", r"\begin{cases}x=@a\\z=@b\end{cases}", "@a"),
    ),
    "exact and about in percent": (
        (r"\frac{@a}{13}",), (r"\frac{@a}{13}\approx @c\%", r"p=\frac{@a}{13}"), (r"@c\%", r"\approx @c\%", r"\frac{@b}{13}\approx @c\%"),
    ),
    "things in other languages": (
        ("@c",), ("@c способов", "@c Lösungen", "@c种不同的方法", "@c см"), ("@c и @b", "@c种以上", "не @c", "@c²"),
    ),
    "what follows and what is equivalent": ((r"p \Rightarrow q",), (r"p \implies q", "p ⇒ q"), (r"p \iff q", "p ⇔ q", r"q \Rightarrow p")),
}  # fmt: skip


def filled(form: str, draw: dict[str, int]) -> str:
    for name, value in draw.items():
        form = form.replace(f"@{name}", str(value))
    return form


def pairs(seed: int, n: int = 4) -> Iterator[tuple[str, str, str, bool]]:
    """(family, answer, gold, whether they are the same): of every form n draws."""
    draws = random.Random(seed)
    for name, (golds, same, others) in FAMILIES.items():
        for _ in range(n):
            draw = {"a": draws.randint(2, 6), "b": draws.randint(7, 12), "c": draws.randint(13, 40)}
            for gold in golds:
                for form in (gold, *same, *others):
                    yield name, filled(form, draw), filled(gold, draw), form in (gold, *same)
