"""The cases of tests/vectors/plates-v1.json, worked out by hand from docs/spec/plates.md: inputs and results.

A plate is written country/format/text. See ``generate_plate_vectors`` for what becomes of them.
"""

from __future__ import annotations

from typing import Final

NOTES: Final = {
    "Format": "The text is a mark of this format as it stands.",
    "FoldToLetter": "A digit was read in a slot that holds a letter.",
    "FoldToDigit": "A letter was read in a slot that holds a digit.",
    "IllegalFold": "Folding would give a character that the slot cannot hold, so the text is not that format.",
    "TwoMarks": "The text is a mark as it stands and would be another one folded: what stands wins.",
    "NotAnchored": "Too little was read as what the grammar wants there: nothing is folded.",
    "Tie": "Two splits of one format are equally near: that format is passed over.",
    "FewestMisreads": "Several formats fit folded: the one with the fewest folds between unlike characters is taken.",
    "Spacing": "Separators decide between two folded fits, or against one.",
    "NorthernIreland": "A Northern Ireland mark and a current mark are drawn with the same characters.",
    "Separators": "Spaces, hyphens and other signs are dropped.",
    "Case": "Lower case is taken for upper case.",
    "Nfkc": "Compatibility characters are normalised before anything is dropped.",
    "FullCaseMapping": "Unicode's full upper-casing gives two letters for one; an implementation may refuse instead.",
    "Foreign": "A country without a grammar here: kept verbatim under its code.",
    "UnknownCountry": "No country is known: GB if the grammar takes the text, else verbatim under ZZ.",
    "CountryName": "The country is not given as its alpha-2 code.",
    "Idempotent": "The input is the canonical text of another vector.",
    "Empty": "Nothing of A-Z and 0-9 is left.",
    "TooLong": "More than 16 characters are left, or more than 64 were given.",
    "LongestAllowed": "Exactly as long as may be.",
    "Wildcard": "A sign for a character that is not known: dropping it would name another vehicle.",
    "Candidates": "Alternates from the engine's candidates.",
    "Confidences": "Alternates from characters read with a confidence below 0.9.",
    "Crossed": "Letter and digit that are never folded, put right where the text is no mark.",
    "Screw": "A screw between two 1s reads as H.",
    "ManyAlternates": "More than three alternates were found: the first three count.",
    "NoAlternates": "Nothing else is as likely.",
    "Encoding": "Bytes that are, or are not, the encoding of a plate.",
}


# Marks that stand for themselves, by format.
MARKS: Final = {
    "GB_CURRENT": "AB12CDE LD51ZZZ YY99OOO OO00OOO BD01SMR XK50KLM SN24HDZ",
    "GB_PREFIX": "A1BCD A12BCD A123BCD Y999YYY S5BOB",
    "GB_SUFFIX": "ABC1D ABC12D ABC123D YYY999Y OOO1B",
    "GB_DATELESS": "A1 A12 A123 A1234 AB1 AB12 AB123 AB1234 ABC1 ABC12 ABC123 O1234 F1 "
    "1A 12A 123A 1234A 1AB 12AB 123AB 1234AB 1ABC 12ABC 123ABC",
    "NI": "AZ1 IA1234 JI99 XI4000 AXI4000 BIG1234 YYZ9999 AIW1 DIA12 1IA 1234AZ 12UI QNI1234",
    "GB_Q": "Q1ABC Q12ABC Q123ABC",
    "GB_TRADE": "12345 00001 01234 012A 007AB 099ABC",
    "GB_MILITARY": "AB12CD KL00AA 12AB34 00ZZ00 QJ12ZQ",
    "GB_DIPLOMATIC": "101D234 270X400 999X999",
    "VERBATIM": "A 1 A0KMC AK0 01A ABC1234 1234ABC IAB1234 ZV1234 AI1234 U123ABC O123ABC I123ABC 101C234 ABCDEFG 123456",
}

# One wrong character in one slot: the format, the mark with a dot for the slot, what was read there and what is
# meant; or, after an exclamation mark, what was read there and cannot be folded, as the slot cannot hold it.
SLOTS: Final = """
    GB_CURRENT .K34KLM 0O 5S 8B !12
    GB_CURRENT X.34KLM 0O
    GB_CURRENT XK.4KLM O0 I1 Z2 S5 B8
    GB_CURRENT XK3.KLM O0 I1 Z2 S5 B8
    GB_CURRENT XK34.LM 0O 2Z 5S 8B !1
    GB_CURRENT XK34K.M 0O 2Z 5S 8B !1
    GB_CURRENT XK34KL. 0O 2Z 5S 8B !1
    GB_PREFIX .345LMN 5S 8B !012
    GB_PREFIX K.45LMN I1 Z2
    GB_PREFIX K3.5LMN O0 I1 Z2 S5 B8
    GB_PREFIX K34.LMN O0 I1 Z2 S5 B8
    GB_PREFIX K345.MN 0O 5S 8B !12
    GB_PREFIX K345L.N 0O 5S 8B !12
    GB_PREFIX K345LM. 0O 5S 8B !12
    GB_SUFFIX .MN345K 0O 5S 8B !12
    GB_SUFFIX L.N345K 0O 5S 8B !12
    GB_SUFFIX LM.345K 0O 5S 8B !12
    GB_SUFFIX LMN.45K I1 Z2 S5 B8 !O
    GB_SUFFIX LMN3.5K O0 I1 Z2 S5 B8
    GB_SUFFIX LMN34.K O0 I1 Z2 S5 B8
    GB_SUFFIX LMN345. 5S 8B !012
    GB_DATELESS A.C123 8B 5S 0O !12
    GB_DATELESS 123A.C 8B 5S 0O !12
    GB_DATELESS AB.123 0O
    GB_DATELESS AB12.4 O0 I1 Z2 S5 B8
    GB_DATELESS 12.4AB O0 I1 Z2 S5 B8
    NI KA.1234 2Z
    NI K.A1234 1I
    NI .A1234 1I
    NI KAZ1.34 O0 I1 Z2 S5 B8
    GB_Q Q.23ABC I1 Z2 S5 B8
    GB_Q Q123A.C 0O 5S 8B !12
    GB_TRADE .2345 I1 Z2
    GB_TRADE 12.45 O0 I1 Z2 S5 B8
    GB_TRADE 0.2ABC I1 Z2 S5 B8
    GB_MILITARY AB.2CD O0 I1 Z2 S5 B8
    GB_MILITARY 12A.34 0O 2Z 5S 8B !1
    GB_DIPLOMATIC 1.1D234 O0 I1 Z2 S5 B8
"""

# Flag, raw text with JSON escapes, country (- for none), expected plate (- for a refusal, ? before one for acceptable).
CANONICAL: Final = r"""
    TwoMarks | X534KLM | GB | GB/GB_PREFIX/X534KLM
    TwoMarks | X834KLM | GB | GB/GB_PREFIX/X834KLM
    TwoMarks | X134KLM | GB | GB/GB_PREFIX/X134KLM
    TwoMarks | KO45LMN | GB | GB/GB_CURRENT/KO45LMN
    TwoMarks | KS45LMN | GB | GB/GB_CURRENT/KS45LMN
    TwoMarks | AB5123 | GB | GB/GB_DATELESS/AB5123
    TwoMarks | ABS123 | GB | GB/GB_DATELESS/ABS123
    TwoMarks | UI23 | GB | GB/NI/UI23
    TwoMarks | 1234S | GB | GB/GB_DATELESS/1234S
    NotAnchored | 5123 | GB | GB/VERBATIM/5123
    NotAnchored | 0800555 | GB | GB/VERBATIM/0800555
    NotAnchored | 558555 | GB | GB/VERBATIM/558555
    NotAnchored | BOSS | GB | GB/VERBATIM/BOSS
    NotAnchored | ZOOZI | GB | GB/VERBATIM/ZOOZI
    Tie | B8B8 | GB | GB/VERBATIM/B8B8
    Tie | S5S5 | GB | GB/VERBATIM/S5S5
    FewestMisreads | 5512ABC | GB | GB/GB_PREFIX/S512ABC
    FewestMisreads | 8512ABC | GB | GB/GB_PREFIX/B512ABC
    FewestMisreads | 0512ABC | GB | GB/GB_CURRENT/OS12ABC
    FewestMisreads | 5I888 | GB | GB/GB_TRADE/51888
    FewestMisreads | AI23 | GB | GB/GB_DATELESS/A123
    NorthernIreland | AXI 4000 | GB | GB/NI/AXI4000
    NorthernIreland | AX1 4000 | GB | GB/NI/AXI4000
    NorthernIreland | AXI 4OOO | GB | GB/NI/AXI4000
    NorthernIreland | AXI-4OOO | - | GB/NI/AXI4000
    NorthernIreland | AX14 OOO | GB | GB/GB_CURRENT/AX14OOO
    NorthernIreland | AX14 000 | GB | GB/GB_CURRENT/AX14OOO
    NorthernIreland | AX 14 000 | - | GB/GB_CURRENT/AX14OOO
    NorthernIreland | AX14\n000 | - | GB/GB_CURRENT/AX14OOO
    NorthernIreland | AX14000 | GB | GB/GB_CURRENT/AX14OOO
    NorthernIreland | AXI4OOO | GB | GB/GB_CURRENT/AX14OOO
    NorthernIreland | A X 1 4 0 0 0 | GB | GB/GB_CURRENT/AX14OOO
    TwoMarks | AX1 4OOO | GB | GB/GB_CURRENT/AX14OOO
    TwoMarks | AXI4 000 | GB | GB/NI/AXI4000
    Spacing | AB-125-CD | GB | GB/GB_CURRENT/AB12SCD
    Spacing | AB-125-CD | - | ZZ/VERBATIM/AB125CD
    Spacing | AB125CD | - | GB/GB_CURRENT/AB12SCD
    Spacing | AI 23 | - | ZZ/VERBATIM/AI23
    Spacing | A I23 | - | GB/GB_DATELESS/A123
    Spacing | K1 23I | GB | GB/GB_DATELESS/K1231
    Spacing | K1 23I | - | ZZ/VERBATIM/K123I
    Separators | AB12 CDE | GB | GB/GB_CURRENT/AB12CDE
    Separators | AB-12-CDE | GB | GB/GB_CURRENT/AB12CDE
    Separators | \u0020AB12CDE\t | GB | GB/GB_CURRENT/AB12CDE
    Separators | AB.12.CDE | GB | GB/GB_CURRENT/AB12CDE
    Separators | [AB12'CDE] | GB | GB/GB_CURRENT/AB12CDE
    Separators | A B 1 2 C D E | GB | GB/GB_CURRENT/AB12CDE
    Separators | AB12\u00b7CDE | GB | GB/GB_CURRENT/AB12CDE
    Separators | AB12\u2014CDE | GB | GB/GB_CURRENT/AB12CDE
    Separators | \ud83d\ude97AB12CDE | GB | GB/GB_CURRENT/AB12CDE
    Separators | AB12_CDE | GB | GB/GB_CURRENT/AB12CDE
    Separators | AB1 2CDE | GB | GB/GB_CURRENT/AB12CDE
    Separators | AB12\u00a0CDE | GB | GB/GB_CURRENT/AB12CDE
    Case | ab12cde | GB | GB/GB_CURRENT/AB12CDE
    Case | Ab12 cDe | GB | GB/GB_CURRENT/AB12CDE
    Case | axi 4ooo | GB | GB/NI/AXI4000
    Nfkc | \uff21\uff22\uff11\uff12\uff23\uff24\uff25 | GB | GB/GB_CURRENT/AB12CDE
    Nfkc | \uff41\uff42\uff11\uff12\u3000\uff43\uff44\uff45 | GB | GB/GB_CURRENT/AB12CDE
    Nfkc | AB\u00b9\u00b2CDE | GB | GB/GB_CURRENT/AB12CDE
    Nfkc | \u24b6\u24b7\u2460\u2461CDE | GB | GB/GB_CURRENT/AB12CDE
    Nfkc | \ud835\udc00\ud835\udc01\ud835\udfcf\ud835\udfd0CDE | GB | GB/GB_CURRENT/AB12CDE
    Nfkc | L\u00d6-AB 1 | DE | DE/VERBATIM/LAB1
    FullCaseMapping | AB12C\u00df | GB | ?GB/GB_CURRENT/AB12CSS
    Foreign | AB-123-CD | FR | FR/VERBATIM/AB123CD
    Foreign | AB12CDE | FR | FR/VERBATIM/AB12CDE
    Foreign | 5123ABC | BE | BE/VERBATIM/5123ABC
    Foreign | 191-D-12345 | IE | IE/VERBATIM/191D12345
    Foreign | ABC 123 | SE | SE/VERBATIM/ABC123
    Foreign | J 12345 | JE | JE/VERBATIM/J12345
    UnknownCountry | AB12CDE | - | GB/GB_CURRENT/AB12CDE
    UnknownCountry | ABI2CDE | - | GB/GB_CURRENT/AB12CDE
    UnknownCountry | ABC 123 | - | GB/GB_DATELESS/ABC123
    UnknownCountry | 191-D-12345 | - | ZZ/VERBATIM/191D12345
    UnknownCountry | 191-D-12345 | unknown | ZZ/VERBATIM/191D12345
    UnknownCountry | AB12CDE | ZZ | ZZ/VERBATIM/AB12CDE
    CountryName | AB12CDE | gb | GB/GB_CURRENT/AB12CDE
    CountryName | AB12CDE | uk | GB/GB_CURRENT/AB12CDE
    CountryName | AB12CDE | eu-gb | GB/GB_CURRENT/AB12CDE
    CountryName | AB12CDE | | GB/GB_CURRENT/AB12CDE
    CountryName | AB123CD | eu-fr | FR/VERBATIM/AB123CD
    LongestAllowed | ABCDEFGH12345678 | GB | GB/VERBATIM/ABCDEFGH12345678
    LongestAllowed | BLANKS57 AB12CDE | GB | GB/GB_CURRENT/AB12CDE
    TooLong | BLANKS58 AB12CDE | GB | -
    TooLong | ABCDEFGH123456789 | GB | -
    Empty | | GB | -
    Empty | \t\n | GB | -
    Empty | --- --- | GB | -
    Empty | \ud83d\ude97\ud83d\ude97 | GB | -
    Empty | \u0410\u0412\u0421 | GB | -
    Empty | \u4eac | - | -
    Empty | \u00dc | DE | -
    Wildcard | AB1?CDE | GB | -
    Wildcard | AB12* | GB | -
    Wildcard | AB12% | GB | -
    Wildcard | AB1\uff1fCDE | GB | -
    Wildcard | AB?123 | FR | -
"""

# Flag, raw text, country, candidates (text:confidence), confidences in hundredths, primary, alternates.
READS: Final = """
    NoAlternates | AB12 CDE | GB | | | GB/GB_CURRENT/AB12CDE |
    NoAlternates | AX14 000 | GB | | | GB/GB_CURRENT/AX14OOO |
    NoAlternates | AX1 4000 | GB | | | GB/NI/AXI4000 |
    NorthernIreland | AX14000 | GB | | | GB/GB_CURRENT/AX14OOO | GB/NI/AXI4000
    NorthernIreland | AX14OOO | GB | | | GB/GB_CURRENT/AX14OOO | GB/NI/AXI4000
    NorthernIreland | AXI4000 | GB | | | GB/NI/AXI4000 | GB/GB_CURRENT/AX14OOO
    NorthernIreland | AX1 4OOO | GB | | | GB/GB_CURRENT/AX14OOO | GB/NI/AXI4000
    NorthernIreland | AX123 | GB | | | GB/GB_DATELESS/AX123 | GB/NI/AXI23
    NorthernIreland | AX 123 | GB | | | GB/GB_DATELESS/AX123 |
    UnknownCountry | AX14000 | - | | | GB/GB_CURRENT/AX14OOO | GB/NI/AXI4000 ZZ/VERBATIM/AX14000
    UnknownCountry | AB125CD | - | | | GB/GB_CURRENT/AB12SCD | ZZ/VERBATIM/AB125CD
    UnknownCountry | AB-125-CD | - | | | ZZ/VERBATIM/AB125CD | GB/GB_CURRENT/AB12SCD
    Tie | B8B8 | GB | | | GB/VERBATIM/B8B8 | GB/GB_DATELESS/B888 GB/GB_DATELESS/BBB8
    Candidates | AB12CDE | GB | AB12CDF:0.5 AB12ODE:0.8 | | GB/GB_CURRENT/AB12CDE | GB/GB_CURRENT/AB12ODE GB/GB_CURRENT/AB12CDF
    Candidates | AB12CDE | GB | AB12CDE:0.9 AB1ZCDE:0.8 AB12CDF:0.7 | | GB/GB_CURRENT/AB12CDE | GB/GB_CURRENT/AB12CDF
    Candidates | ab12cde | gb | ab12cdf ab12ode:0.1 | | GB/GB_CURRENT/AB12CDE | GB/GB_CURRENT/AB12ODE GB/GB_CURRENT/AB12CDF
    Candidates | AB12CDE | GB | AB12CDEFG:0.9 --:0.8 AB12CDF:0.7 | | GB/GB_CURRENT/AB12CDE | GB/GB_CURRENT/AB12CDF
    Candidates | AB12CDEF | GB | AB12CDE:0.9 AB12CDEFG:0.5 | | GB/VERBATIM/AB12CDEF | GB/GB_CURRENT/AB12CDE GB/VERBATIM/AB12CDEFG
    Candidates | AB123CD | FR | AB128CD:0.5 | | FR/VERBATIM/AB123CD | FR/VERBATIM/AB128CD
    ManyAlternates | AB12CDE | GB | AB12CDF:0.8 AB12CDG:0.7 AB12CDH:0.6 AB12CDJ:0.5 | | GB/GB_CURRENT/AB12CDE | GB/GB_CURRENT/AB12CDF GB/GB_CURRENT/AB12CDG GB/GB_CURRENT/AB12CDH
    Candidates | AB12CDE | GB | AB12CDF:0.02 AB12CDG:0.01 | | GB/GB_CURRENT/AB12CDE | GB/GB_CURRENT/AB12CDF
    Crossed | ABD2CDE | GB | | | GB/VERBATIM/ABD2CDE | GB/GB_CURRENT/AB02CDE
    Crossed | ABQ2CDE | - | | | ZZ/VERBATIM/ABQ2CDE | GB/GB_CURRENT/AB02CDE
    Crossed | ABG2CDE | GB | | | GB/VERBATIM/ABG2CDE | GB/GB_CURRENT/AB62CDE
    Crossed | AB126DE | GB | | | GB/VERBATIM/AB126DE | GB/GB_CURRENT/AB12GDE
    Crossed | ABG2CDE | FR | | | FR/VERBATIM/ABG2CDE |
    Confidences | AB12CDE | GB | | 99 99 99 99 99 50 99 | GB/GB_CURRENT/AB12CDE | GB/GB_CURRENT/AB12COE
    Confidences | AB12 CDE | GB | | 99 99 99 99 0 99 50 99 | GB/GB_CURRENT/AB12CDE | GB/GB_CURRENT/AB12COE
    Confidences | AB12CDE | GB | | 99 99 50 | GB/GB_CURRENT/AB12CDE |
    Confidences | AB12CDE | GB | | 99 99 99 99 90 90 90 | GB/GB_CURRENT/AB12CDE |
    Confidences | AV13CDE | GB | | 99 60 99 80 99 99 99 | GB/GB_CURRENT/AV13CDE | GB/GB_CURRENT/AY13CDE GB/GB_CURRENT/AU13CDE GB/GB_CURRENT/AV18CDE
    Confidences | S512ABC | GB | | 99 50 99 99 99 99 99 | GB/GB_PREFIX/S512ABC | GB/GB_CURRENT/SS12ABC GB/GB_PREFIX/S612ABC
    Confidences | WXC7 | FR | | 99 99 99 30 | FR/VERBATIM/WXC7 | FR/VERBATIM/WXC1 FR/VERBATIM/WXC3
    Screw | ABHCDE | GB | | | GB/VERBATIM/ABHCDE | GB/GB_CURRENT/AB11CDE
    Screw | AHKMN | - | | | ZZ/VERBATIM/AHKMN | GB/GB_PREFIX/A11KMN
    Screw | AH12 | GB | | 99 60 99 99 | GB/GB_DATELESS/AH12 | GB/GB_DATELESS/A1112 GB/GB_DATELESS/AN12 GB/GB_DATELESS/AM12
    Screw | AH12 | GB | | | GB/GB_DATELESS/AH12 |
    Screw | ABHCDE | FR | | | FR/VERBATIM/ABHCDE |
"""

# Text (- for none) and the code it names (- for none).
COUNTRIES: Final = """
    GB GB, gb GB, uk GB, UK GB, GBR GB, gbr GB, eu-gb GB, EU_GB GB, gb-nir GB, NIR GB, Great Britain GB,
    united-kingdom GB, fr FR, F FR, FRA FR, eu-fr FR, D DE, deu DE, us-ca US, USA US, irl IE, ie IE, SLO SI, XK XK,
    rks XK, ZZ ZZ, zz ZZ, ni NI, - -, unknown -, eu -, EU -, none -, XX -, ab -, 44 -, eu- -
"""
