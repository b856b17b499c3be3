r"""How a letter is settled on, in words: what chooses an option, what rejects it, and what only looks like either.

A letter's pattern has two groups: what denies it ("not", or nothing) and the letter.
"""

import re

from lighteval_r1.graders.refutations import REFUTED_BEHIND
from lighteval_r1.graders.vocabulary import INVISIBLE, any_of, group_of

PLAIN_LETTERS = str.maketrans({chr(ord("Ａ") + i): chr(ord("A") + i) for i in range(10)} | INVISIBLE)

GAP, MAY_GAP = r"\s{1,4}", r"\s{0,4}"


# ---- a letter with what may stand around it

STYLED = rf"\\(?:text|textbf|mathbf|mathrm|mbox|boxed|bf|rm){MAY_GAP}\{{{MAY_GAP}"
WRAPPED = rf"(?:{STYLED}|\\[(\[]|[\s*_`\"'“”«„$(\[{{<（【「『=≡→⇒：•]){{0,8}}"
# No letter of a word, a formula, or a name: Bats, A = 5, A.M., B12, vitamin-B.
ENDED = rf"(?!(?!['’][dt][iıuü]r)['’]?[a-zA-Z0-9]|{MAY_GAP}\^|{MAY_GAP}=|\.[a-zA-Z]\.|[+(]|[-_][a-zA-Z0-9])"
# What an option is called: "option B", "la lettre B", "选项B".
NOUNS = (
    "option|choice|answer|letter|statement|lettre|l'option|buchstabe|antwort|opción|opcion|réponse|respuesta|resposta",
    "letra|lettera|opção|alternativa|opzione|risposta|вариант|буква|选项|選項|選択肢|选择|보기|đáp án|pilihan",
)
NOUN = group_of(*NOUNS)
ARTICLE = rf"(?:{group_of('the', 'la', 'le', 'il', 'el', 'a', 'die', 'der', 'das', 'de', 'het')}{GAP})?"
LETTER = rf"{WRAPPED}{ARTICLE}(?:{NOUN}{MAY_GAP})?{WRAPPED}([A-Ja-j]){ENDED}"
DENIED = r"(not\b|none\b|pas\b|nicht\b|不是|非)?"
BEHIND_PHRASE, BEHIND_HEADING = DENIED + LETTER, f"{MAY_GAP}(){LETTER}"

# ---- what chooses an option in words of its own

FIRST = group_of(
    *("correct", "right", "best(?:-\\w+)?", "closest", "final", "appropriate", "accurate", "likely", "reasonable"),
    *(r"most \w{1,20}", "chosen", "selected", "my", "our"),
)
# What is said of the one option that holds
HOLDS = any_of(
    *("works", "fits", "remains", "holds", "satisfies", "meets", "matches", "agrees", "fulfils", "fulfills"),
    "makes sense",
)
NOTHING = rf"(?!{GAP}(?:no|none|neither|nothing|only)\b)"
IS = rf"(?:is|would be|must be|should be|:|：|=){MAY_GAP}[:：]?{MAY_GAP}(?:therefore{GAP}|thus{GAP}|clearly{GAP})?"
BONNE = group_of("bonne", "richtige", "korrekte", "correcta", "corretta", "giusta", "correta", "juiste")
OPTION_OF_OTHERS = group_of(
    *("option", "antwort", "opción", "risposta", "alternativa", "opção", "opzione", "l'opzione", "réponse", "respuesta")
)
RIGHT_OPTION = rf"(?:{BONNE}{GAP}{OPTION_OF_OTHERS}|{OPTION_OF_OTHERS}{GAP}{BONNE})"
CHOOSING = (
    # "the correct option is B", "closest match among these is B"
    rf"\b{FIRST}{GAP}(?:option|choice|match|statement|answer|letter|guess)"
    rf"(?:{GAP}(?:among|from|of|in)\s[^.\n]{{0,60}}?)?{MAY_GAP}{IS}",
    rf"(?:^|\n)[ \t]{{0,8}}[*_#]{{0,3}}(?:option|choice|ans(?:wer)?\.?|final|correct|result|conclusion)[*_]{{0,3}}"
    rf"{MAY_GAP}(?:[:：.]|[-–—](?=\s)){MAY_GAP}",
    # {"choice": "B"}; but {"option": "A", "correct": false} is of any option.
    rf"[{{,\n]{MAY_GAP}[\"'](?:choice|(?:final|correct|best|selected|chosen|answer)_?(?:option|choice|letter))[\"']"
    rf"{MAY_GAP}:{MAY_GAP}",
    rf"\b(?:(?:I|we)(?:'ll|'d| will| would| therefore)?{GAP}(?:choose|select|pick|go with|chose)"
    rf"|let(?:['’]s| us){GAP}go with){GAP}",
    rf"\banswer\s(?=\(?[A-J](?:\)|:|\.?{MAY_GAP}$))",
    rf"{RIGHT_OPTION}{GAP}(?:est|ist|es|è|é|is){GAP}"
    rf"(?:donc{GAP}|also{GAP})?",
    rf"\b(?:je{GAP}choisis|ich{GAP}wähle|elijo|escojo|scelgo|escolho|выбираю|richtig{GAP}ist|korrekt{GAP}ist){GAP}",
    # "It isn't A, it's B."
    rf"(?:\bit(?:'s|’s|{GAP}(?:is|should{GAP}be|must{GAP}be|has{GAP}to{GAP}be))|^must{GAP}be){GAP}"
    rf"(?:(?:actually|really|rather|in{GAP}fact|indeed){GAP})?"
    rf"(?=(?:option{GAP})?[(*]{{0,3}}(?-i:[A-J])[)*]{{0,3}}"
    rf"(?:[.!]?{MAY_GAP}$|,?{GAP}(?:rather|instead|not|because|since)\b))",
    rf"\bthe{GAP}(?:only{GAP})?(?:option|letter|choice)(?:{GAP}that{GAP}[^.\n]{{1,30}}?)?{GAP}is{GAP}"
    rf"(?=[(*]{{0,3}}(?-i:[A-J])\b)",
    rf"\b(?:this|that|it|which){GAP}(?:matches|is|equals|fits|(?:corresponds|points|leads){GAP}to"
    rf"|(?:agrees|is{GAP}consistent){GAP}with){GAP}"
    rf"(?=(?:option|choice|answer){GAP}[(*]{{0,3}}[A-J]\b)",
    rf"\bI(?:['’]d|{GAP}would)?{GAP}(?:say|guess|answer){GAP}"
    rf"(?=(?:option{GAP})?[(*]{{0,3}}(?-i:[A-J])[)*]{{0,3}}[.!]?{MAY_GAP}$)",
    # "Only C works."
    rf"\bonly{GAP}(?=(?:(?:option|choice){GAP})?[(*]{{0,3}}(?-i:[A-J])[)*]{{0,3}}{GAP}(?:is|(?:{HOLDS}){NOTHING})\b)",
    rf"^[ \t*]{{0,4}}(?:choose|select|pick|going{GAP}with){GAP}"
    rf"(?=(?:option{GAP})?[(*]{{0,3}}(?-i:[A-J])[)*]{{0,3}}[.!]?{MAY_GAP}$)",
    rf"\b(?:(?:that|which|this|(?:eliminating|excluding|discarding){GAP}[^.\n]{{1,40}}?){GAP}(?:only{GAP})?leaves"
    rf"|leaving){GAP}(?:us{GAP}with{GAP})?(?:only{GAP})?",
    # "not B but C"
    rf"(?:\bnot|n['’]t|\bnicht|\bpas|\bno{GAP}es|\bnon{GAP}è|\bне|不是|非){MAY_GAP}(?:the{GAP}|la{GAP})?"
    rf"(?:option{GAP})?[(*]{{0,3}}[A-J][)*]{{0,3}}"
    rf"[,，]?{MAY_GAP}(?:but(?:{GAP}rather)?|rather|sondern|mais|sino|ma|bensì|а|而是){MAY_GAP}",
    # "Somit ist die richtige Antwort B", "… ist Option B richtig"
    rf"\b(?:ist|est|es|è|é){GAP}(?:(?:die|la|le|il|a){GAP}{RIGHT_OPTION}{GAP}"
    rf"|(?=(?:option|antwort|aussage){GAP}[(*]{{0,3}}[A-J][)*]{{0,3}}{GAP}(?:richtig|korrekt)\b))",
)
# Those of other scripts
CHOOSING_ELSEWHERE = (
    rf"(?<![不别])(?:故|应|應|所以|因此|我)?(?<![不别])(?:选择|選擇|选|選)(?:项|項)?{MAY_GAP}[:：]?{MAY_GAP}",
    rf"(?<!不)(?:正确|最佳)的?(?:选项|選項|答案)?(?:是|为|為|[:：]){MAY_GAP}",
    rf"(?:правильный|верный){GAP}(?:ответ|вариант(?:{GAP}ответа)?){MAY_GAP}(?:[:—–-]|это)?{MAY_GAP}",
    "(?:正しい|適切な|正解の)(?:選択肢|答え|もの)は、?",
)
CHOSEN, CHOSEN_ELSEWHERE = (
    re.compile(any_of(*map("(?:{})".format, forms)), re.IGNORECASE | re.MULTILINE)
    for forms in (CHOOSING, CHOOSING_ELSEWHERE)
)
AFTER_CHOICE = re.compile(DENIED + LETTER, re.IGNORECASE)
# "option B is correct", "(B) is the best choice"
JUDGED = group_of(
    *("correct", "right", "best", "better", "closest", "answer", "richtig", "korrekt", "correcta", "correcte"),
    "la bonne réponse",
    rf"only{GAP}(?:one|option|choice){GAP}(?:that|which){GAP}(?:{HOLDS}){NOTHING}",
)
NAMED = re.compile(
    rf"{WRAPPED}\b(?:(?i:answer|{NOUN}){GAP})?"
    # "**(B) 42 N** is correct"
    rf"[(*\s]{{0,3}}()([A-J])(?:[)*.:]{{0,3}}|[).:]{{1,2}}{GAP}[^*\n]{{1,80}}\*\*){GAP}"
    rf"(?:is|must be|seems|appears|ist|est|es){GAP}"
    rf"(?:therefore{GAP}|thus{GAP}|clearly{GAP}|the{GAP}|la{GAP})?(?:most{GAP})?{JUDGED}\b(?!{GAP}(?:to|than|if|for)\b)"
)
NAMED_ELSEWHERE = re.compile(rf"{NOUN}{MAY_GAP}()([A-J]){MAY_GAP}(?:是正确|正确|が正しい|이 정답|가 정답)")

NAMED_BEHIND = re.compile(
    r"(?<![A-J和与、或及/])(?<![A-J][,，])()([A-J])[*\s]*(?:(?:选项|项|項|選項)(?:是|为)?(?:正确|对|符合题意)|是正确)(?!吗)"
)

# ---- what settles on nothing

# "The answer is A or B" and "A and B"; nor does the first of options in a line.
CONNECTIVES = group_of(
    *("or", "and", "/", ",", "&", "or possibly", "and/or", "and also", "oder", "ou", "o", "y", *"和或、及", "или", "и"),
    *("або", "та", "또는", "이나", "와", "과", "または", "か", "と", "veya", "ve", "hoặc", "và", "atau", "dan", "lub"),
    *("eller", "och", "og", "tai", "หรือ", "และ", "أو", "و", "या", "और", "e", "und", "et"),
)
UNDECIDED = re.compile(
    rf"(?:[)*\s.}}$]{{0,4}}{CONNECTIVES}{MAY_GAP}(?:option{MAY_GAP})?[(*]{{0,2}}[A-J](?![a-zA-Z0-9])"
    rf"(?!{GAP}(?!and\b|or\b)[a-z])|[)*]{{0,3}}{GAP}or{GAP}(?:another|(?:any|some){GAP}other|something|none|neither)\b)"
)
SEVERAL_LETTERS = re.compile(
    r"(?:(?:options?|choices?|answers?)[\s:]*)?(?:[(\[]?[A-J]"
    + UNDECIDED.pattern
    + r"|(?:[(\[]?[A-J][)\]]?[\s;&]+){1,9}[(\[]?[A-J][)\]]?$)"
)
REJECTIONS = group_of(
    *(r"\bnot", "n't", r"\brule out", r"\beliminate", r"\breject", r"\bwrong", r"\bincorrect"),
    *(r"\bneither", r"\beither", r"\bboth", r"\bexcept", r"\bleast(?: \w+)?", r"\bworst"),
)
REJECTED_BEFORE = re.compile(rf"{REJECTIONS}{MAY_GAP}(?:the{MAY_GAP})?(?:correct{MAY_GAP})?$", re.IGNORECASE)
# "A, B and C is correct" and "none of A, B, C is correct" settle on none of them.
ONE_OF = re.compile(r"\b[A-J][)*]{0,3}\s{0,3}(?:,|and|or|/|&|nor)\s{0,3}(?:option\s)?$")
REJECTED_AFTER = re.compile(
    rf"[)*.\s]{{0,4}}(?:is|would be|are|was|being){MAY_GAP}(?:n't|not|incorrect|wrong|false|clearly wrong)\b"
    rf"|[)）*.。,，\s]{{0,4}}(?i:{REFUTED_BEHIND})|{MAY_GAP}\?|[)*]{{0,3}}{GAP}(?:out|aside)\b"
    rf"|[)）*]{{0,3}}{MAY_GAP}(?:では(?:ありません|ない)|じゃない|[가이]?{MAY_GAP}아[니닙]|不正确|不对|错|是错|不是)"
)
CONDITIONAL = re.compile(r"[)*.\s]{0,4}\b(?:if|only if|unless|when|provided)\b")
# The next line is another lettered option: a list of options follows "the answer is:", and says nothing.
LISTED = re.compile(rf"[^\n]*\n{MAY_GAP}\(?[A-J][.)]\s")
AFTER_THE_WORD_I = group_of(
    *("am", "was", "have", "had", "would", "will", "think", "believe", "can", "could", "should", "do", "did", "get"),
    *("got", "found", "gave", "don't", "cannot", "need"),
)
WORDS_AFTER_I = re.compile(rf"{GAP}{AFTER_THE_WORD_I}\b|[),\s]{{0,3}}(?:and|or|&)?\s{{0,3}}II")
# "The answer is A because" is a letter; "The answer is A matter of" is a word.
WORDS_AFTER_A = re.compile(
    rf"(?! (?:because|since|as|instead|rather)\b)(?: [a-z]+ (?:of|that|which|in|with|for|is)\b| [a-z]+[.!]?{MAY_GAP}$)"
)
# Models that were shown several questions go on to sum up all of them: that is no longer about this one.
SEVERAL = re.compile(
    r"^[^\n]{0,20}(?:summar\w+|combin\w+|considering|list\w*|review\w*|总结)[^\n]{0,10}"
    r"(?:\ball (?:of )?(?:the |these |your )?(?:questions|answers)|所有|以上)",
    re.IGNORECASE | re.MULTILINE,
)
RECITED = re.compile(
    r"\s*(?:\d{1,2}[.)]\s*)?(?:The (?:correct )?answer is|Answer:)[\s(*]{0,4}([A-J])[\s).*]{0,4}", re.IGNORECASE
)

# ---- boxes and lines that are a letter

BOXED = re.compile(
    r"(?:(?:option|choice|answer|letter)[\s:]*)?[(\[]?([A-J])(?:[)\].:,].*|\s?[-–—]\s.*|)", re.IGNORECASE | re.DOTALL
)
# A letter and its option's text; `A = 5` and "A man" are none.
LETTER_AND_TEXT = re.compile(r"([A-J])\s+(?![=<>+*/^_≤≥≠|-]|\\|(?:is|of|and|or|in|to)\b)(?!(?<=A )[a-z])\S")
# A formula of letters alone, which may come to one: $\bm{B}$
OF_LETTERS = re.compile(r"\$(\\[\\a-zA-Z{}()\s,;:!.]{1,60})\$|\\[(\[]([\\a-zA-Z{}()\s,;:!.]{1,60})\\[)\]]")
ONE_LETTER = re.compile("[A-J]")
UNWRAP = re.compile(
    r"\\(?:text|textbf|mathbf|mathrm|mbox|bf|rm|quad)(?![a-zA-Z])|\\[,;!]|[{}$*~]|_(?![\w{])|(?<!\w)_|\\\(|\\\)|\\ "
)
# A last line that is a letter: `**(B)**`, "Option B.", "So, B."; and one with the option's text behind it.
ALONE = re.compile(
    r"(?:(?:so|thus|therefore|hence|(?:most\s+)?likely|probably|definitely|certainly|clearly|obviously|answer"
    r"|final answer)\b[,:]?\s*(?:it(?:'s| is)\s+)?)?"
    rf"(?:(?:the\s+)?{NOUN}\s+)?[\s(\[]*([A-J])[\s)\]]*(?:it is)?"
    r"(?:[.!。]?|(?:,|\s[-–—])?\s+(?:because|since|rather\s+than|instead\s+of)\s.*"
    r"|,\s+I\s+(?:think|believe|guess)[.!]?)",
    re.IGNORECASE,
)
# What a last line comes to: "A and B are wrong, so C."
CONCLUDED = re.compile(
    r"(?:[,;.]\s+(?i:so|thus|therefore|hence),?\s+(?:it(?:'s| is| must be)\s+)?"
    r"|^(?!.*(?:\bnot\b|n't\b|eliminat|\brul|wrong|incorrect|except|reject|exclud|\b[A-J], )).*[,;]\s+"
    r"(?:i\.e\.,?\s+|that is,?\s+|namely,?\s+)?(?:option|choice)\s+)[(\[]?([A-HJ])[)\]]?[.!]?$"
)
# "So the planet is Venus.": the option in words that a last line comes to.
CONCLUDED_IN_WORDS = re.compile(
    r"(?:(?:so|thus|therefore|hence|consequently),?|(?:the|my)(?:\s(?:final|correct))?(?=\sanswer))"
    r"\s(?:(?!not\b|n['’]t|wrong|incorrect|false|except)[^.:;!?]){0,80}?"
    r"(?:\b(?:is|are|was|be)|(?<=\bit)['’]s)\s+(?P<option>(?!not\b)[^.:;!?]{1,200})[.!]?",
    re.IGNORECASE,
)
LETTERED = re.compile(r"[\s(\[*]*([A-J])[)\].:：、][\s*]*(\S.*)")
# What is said of a letter is no option's text: "(D) is not correct."
SAID_OF_LETTER = re.compile(
    r"(?:is|are|was|would|can|cannot|can't|could|does|doesn't|has|fails|seems|looks|and|or|nor|ist|est|es|è)\b"
    r"|(?:wrong|incorrect|rejected|eliminated|ruled out)\b|[✗✘❌×]",
    re.IGNORECASE,
)
