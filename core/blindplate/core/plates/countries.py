"""Countries: from what an engine or a list calls a vehicle's country to its ISO 3166-1 alpha-2 code.

Guarantees that every name known for a country gives the same code, and that ``ZZ`` (never assigned by ISO
3166-1) means "of no known country". Does not handle states or provinces: ``us-ca`` is the United States.
Protocol section 2; docs/spec/plates.md section 2.
"""

from __future__ import annotations

from typing import Final

UNKNOWN_COUNTRY: Final = "ZZ"
MAX_COUNTRY_CHARACTERS: Final = 64

# ISO 3166-1 as of 2024, and Kosovo's XK, which vehicles carry though ISO leaves it to users.
_ALPHA_2: Final = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
    BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI
    FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN
    IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME
    MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF
    PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
    SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK
    YE YT ZA ZM ZW
"""
_ASSIGNED: Final = frozenset(_ALPHA_2.split())

# What else stands for a country whose vehicles are met on British roads: ISO alpha-3, and the distinguishing
# sign of the Vienna Convention on Road Traffic (article 37) where that is no alpha-2 code itself.
_OTHER_NAMES: Final = {
    "AD": "AND",
    "AL": "ALB",
    "AT": "A AUT",
    "BA": "BIH",
    "BE": "B BEL",
    "BG": "BGR",
    "BY": "BLR",
    "CH": "CHE",
    "CY": "CYP",
    "CZ": "CZE",
    "DE": "D DEU",
    "DK": "DNK",
    "EE": "EST",
    "ES": "E ESP",
    "FI": "FIN",
    "FR": "F FRA",
    "GB": "UK GBR NIR UNITED-KINGDOM GREAT-BRITAIN NORTHERN-IRELAND",
    "GG": "GBG GGY",
    "GI": "GBZ GIB",
    "GR": "GRC",
    "HR": "HRV",
    "HU": "H HUN",
    "IE": "IRL",
    "IM": "GBM IMN",
    "IS": "ISL",
    "IT": "I ITA",
    "JE": "GBJ JEY",
    "LI": "FL LIE",
    "LT": "LTU",
    "LU": "L LUX",
    "LV": "LVA",
    "MC": "MCO",
    "MD": "MDA",
    "ME": "MNE",
    "MK": "MKD NMK",
    "MT": "M MLT",
    "NL": "NLD",
    "NO": "N NOR",
    "PL": "POL",
    "PT": "P PRT",
    "RO": "ROU",
    "RS": "SRB",
    "RU": "RUS",
    "SE": "S SWE",
    "SI": "SLO SVN",
    "SK": "SVK",
    "SM": "RSM SMR",
    "TR": "TUR",
    "UA": "UKR",
    "US": "USA",
    "VA": "V VAT",
    "XK": "RKS",
}
_CODES: Final = {other: code for code, names in _OTHER_NAMES.items() for other in names.split()}


def country_code(text: str | None) -> str | None:
    """The ISO 3166-1 alpha-2 code that ``text`` names, ``ZZ`` for itself, or None when it names no country.

    Takes alpha-2 and alpha-3 codes, distinguishing signs and ISO 3166-2 regions in either case, with ``eu-``
    before them (``gb``, ``UK``, ``GBR``, ``D``, ``eu-gb``, ``gb-nir``). None, not an error, for anything else: engines
    send words like ``unknown``, and a read must not be lost for it.
    """
    if text is None or len(text) > MAX_COUNTRY_CHARACTERS:
        return None
    name = "-".join(text.upper().replace("_", "-").split())
    if name in _CODES:
        return _CODES[name]
    region, _, rest = name.partition("-")
    if region == "EU":
        region = rest.partition("-")[0]
    if region in _ASSIGNED or region == UNKNOWN_COUNTRY:
        return region
    return _CODES.get(region)
