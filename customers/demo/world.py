"""Countries, names and products of the generated customers.

Phone numbers are from the ranges that a country reserves for films and books (NANPA, Ofcom, BNetzA, ARCEP, PTS, ACMA);
people in other countries have none. In patterns `#` is a digit and `@` a letter.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class City:
    name: str
    postcode: str
    state: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    first: list[str]
    last: list[str]


@dataclass(frozen=True, slots=True)
class Country:
    """`share`: of the store's customers, in hundredths. `streets` are patterns, too: `{}` is the number."""

    code: str
    share: int
    language: str
    names: Names
    currency: str
    streets: list[str]
    cities: list[City]


def names(first: str, last: str) -> Names:
    return Names(*(" ".join(words.split()).split(", ") for words in (first, last)))


ENGLISH = names(
    """
    Amelia, Olivia, Isla, Ava, Grace, Freya, Lily, Emily, Ruby, Ella, Chloe, Harriet, Naomi, Zoe, Hannah, Priya,
    Aisha, Maya, Fiona, Beatrice, Oliver, George, Noah, Arthur, Leo, Jack, Henry, Oscar, Theo, Samuel, Daniel,
    Isaac, Marcus, Elijah, Callum, Rohan, Omar, Tobias, Edward, Wesley
    """,
    """
    Smith, Jones, Taylor, Brown, Wilson, Davies, Evans, Thomas, Johnson, Roberts, Walker, Wright, Robinson,
    Thompson, White, Hughes, Edwards, Green, Lewis, Wood, Harris, Martin, Jackson, Clarke, Patel, Singh, Khan,
    Murphy, Kelly, Campbell, Mitchell, Carter, Okafor, Bennett, Fletcher, Whitfield, Ashworth, Sinclair, Nakamura,
    O'Connor
    """,
)
GERMAN = names(
    """
    Anna, Lena, Marie, Sophie, Johanna, Clara, Frieda, Greta, Katharina, Miriam, Svenja, Ulrike, Birgit, Elif,
    Leonie, Paula, Jonas, Lukas, Felix, Maximilian, Moritz, Jakob, Emil, Till, Matthias, Jürgen, Stefan, Björn,
    Emre, Hannes, Konstantin, Ruben
    """,
    """
    Müller, Schmidt, Schneider, Fischer, Weber, Meyer, Wagner, Becker, Schulz, Hoffmann, Schäfer, Koch, Bauer,
    Richter, Klein, Wolf, Schröder, Neumann, Schwarz, Zimmermann, Krüger, Hartmann, Lange, Vogel, Yılmaz, Köhler,
    Brandt, Engel, Sauer, Lindner
    """,
)
FRENCH = names(
    """
    Camille, Léa, Manon, Chloé, Inès, Jeanne, Louise, Zoé, Élodie, Agathe, Margaux, Nadia, Sylvie, Hélène, Lucas,
    Hugo, Louis, Jules, Gabriel, Raphaël, Antoine, Étienne, Mathis, Karim, Benoît, François, Rémi, Théo
    """,
    """
    Martin, Bernard, Dubois, Thomas, Robert, Petit, Durand, Leroy, Moreau, Laurent, Lefebvre, Michel, Garcia,
    Fournier, Girard, Rousseau, Blanc, Guérin, Boyer, Chevalier, Gauthier, Perrin, Benali, Mercier, Renaud, Lemaître
    """,
)
DUTCH = names(
    """
    Emma, Sanne, Fleur, Lotte, Anouk, Eva, Femke, Marieke, Noor, Yara, Daan, Sem, Lars, Bram, Thijs, Ruben, Sven,
    Jeroen, Pieter, Willem, Joris, Mees
    """,
    """
    de Jong, Jansen, de Vries, van den Berg, Bakker, van Dijk, Visser, Smit, Meijer, de Boer, Mulder, de Groot, Bos,
    Vos, Peters, Hendriks, van Leeuwen, Dekker, Brouwer, de Wit, El Amrani, Kuipers
    """,
)
SWEDISH = names(
    """
    Alice, Maja, Elsa, Astrid, Saga, Ebba, Linnéa, Karin, Ingrid, Åsa, Zahra, Frida, William, Liam, Hugo, Axel,
    Nils, Erik, Gustav, Sven, Björn, Anders, Göran, Elias
    """,
    """
    Andersson, Johansson, Karlsson, Nilsson, Eriksson, Larsson, Olsson, Persson, Svensson, Gustafsson, Pettersson,
    Lindberg, Lindström, Bergström, Sjöberg, Åberg, Ekström, Hassan, Nyström, Wallin, Öberg, Dahl
    """,
)
ITALIAN = names(
    """
    Giulia, Sofia, Aurora, Ginevra, Martina, Chiara, Francesca, Elisa, Beatrice, Lucia, Leonardo, Francesco,
    Alessandro, Lorenzo, Matteo, Andrea, Niccolò, Davide, Pietro, Enrico
    """,
    """
    Rossi, Russo, Ferrari, Esposito, Bianchi, Romano, Colombo, Ricci, Marino, Greco, Bruno, Gallo, Conti, Mancini,
    Costa, Giordano, Rizzo, Lombardi, Moretti, Barbieri
    """,
)
SPANISH = names(
    """
    Lucía, Sofía, Martina, María, Paula, Carmen, Alba, Noa, Inés, Elena, Hugo, Mateo, Martín, Lucas, Pablo, Álvaro,
    Adrián, Íñigo, Javier, Sergio
    """,
    """
    García, Rodríguez, González, Fernández, López, Martínez, Sánchez, Pérez, Gómez, Jiménez, Ruiz, Hernández, Díaz,
    Moreno, Muñoz, Álvarez, Romero, Navarro, Ortega, Iglesias
    """,
)
PORTUGUESE = names(
    """
    Maria, Leonor, Matilde, Beatriz, Carolina, Inês, Joana, Catarina, Francisco, Afonso, Tomás, Duarte, Gonçalo, João,
    Simão, Vasco
    """,
    """
    Silva, Santos, Ferreira, Pereira, Oliveira, Costa, Rodrigues, Martins, Sousa, Fernandes, Gonçalves, Gomes, Lopes,
    Marques, Almeida, Conceição
    """,
)

ENGLISH_STREETS = [
    "{} High Street", "{} Mill Lane", "{} Church Road", "{} Station Road", "{} Orchard Close", "{} Victoria Terrace",
    "{} Queen's Road", "{} Harbour View", "{} Kingsway", "Flat 3, {} Albion Place",
]  # fmt: skip
AMERICAN_STREETS = [
    "{} Maple Ave", "{} Oak St", "{} Washington Blvd", "{} Lakeview Dr", "{} Cedar Ln", "{} 5th St", "{} Juniper Ct",
    "{} Pine St Apt 4B", "{} Sunset Rd", "{} Elm St",
]  # fmt: skip
GERMAN_STREETS = [
    "Hauptstraße {}", "Gartenstraße {}", "Lindenallee {}", "Am Markt {}", "Schillerstraße {}", "Goethestraße {}",
    "Bergweg {}", "Kirchgasse {}", "Mühlenstraße {}",
]  # fmt: skip

COUNTRIES = [
    Country("US", 22, "en", ENGLISH, "USD", AMERICAN_STREETS, [
        City("Portland", "972##", "OR", "+150355501##"), City("Seattle", "981##", "WA", "+120655501##"),
        City("Austin", "787##", "TX", "+151255501##"), City("Chicago", "606##", "IL", "+131255501##"),
        City("Denver", "802##", "CO", "+130355501##"), City("Boston", "021##", "MA", "+161755501##"),
        City("Brooklyn", "112##", "NY", "+171855501##"), City("Minneapolis", "554##", "MN", "+161255501##"),
    ]),
    Country("GB", 20, "en", ENGLISH, "GBP", ENGLISH_STREETS, [
        City("London", "SE## #@@", phone="+4420794600##"), City("Leeds", "LS# #@@", phone="+4411349600##"),
        City("Edinburgh", "EH# #@@", phone="+4413149600##"), City("Manchester", "M## #@@", phone="+4416149600##"),
        City("Sheffield", "S## #@@", phone="+4411449600##"), City("Bath", "BA# #@@"),
    ]),
    Country("DE", 16, "de", GERMAN, "EUR", GERMAN_STREETS, [
        City("Berlin", "10###", phone="+493023125###"), City("Hamburg", "20###", phone="+494066969###"),
        City("Köln", "50###", phone="+492214710###"), City("München", "80###", phone="+498999998###"),
        City("Frankfurt am Main", "60###", phone="+496990009###"), City("Leipzig", "041##"),
    ]),
    Country("FR", 11, "fr", FRENCH, "EUR", [
        "{} rue de la République", "{} avenue Jean Jaurès", "{} rue des Lilas", "{} place de la Mairie",
        "{} boulevard Voltaire", "{} rue du Moulin", "{} chemin des Vignes",
    ], [
        City("Paris", "750##", phone="+3319900####"), City("Nantes", "44000", phone="+3326191####"),
        City("Strasbourg", "67000", phone="+3335301####"), City("Lyon", "6900#", phone="+3346571####"),
        City("Bordeaux", "33000", phone="+3353649####"),
    ]),
    Country("NL", 7, "nl", DUTCH, "EUR", [
        "Kerkstraat {}", "Dorpsstraat {}", "Prinsengracht {}", "Molenweg {}", "Beatrixlaan {}", "Oudegracht {}",
    ], [City("Amsterdam", "10## @@"), City("Utrecht", "35## @@"), City("Groningen", "97## @@"),
        City("Rotterdam", "30## @@")]),
    Country("SE", 6, "sv", SWEDISH, "SEK", [
        "Storgatan {}", "Kungsgatan {}", "Björkvägen {}", "Skolgatan {}", "Drottninggatan {}", "Ängsvägen {}",
    ], [City("Stockholm", "11# ##", phone="+468465004##"), City("Göteborg", "41# ##", phone="+463139006##"),
        City("Malmö", "21# ##", phone="+464062804##")]),
    Country("CA", 5, "en", ENGLISH, "CAD", AMERICAN_STREETS, [
        City("Toronto", "M5V #@#", "ON", "+141655501##"), City("Vancouver", "V6B #@#", "BC", "+160455501##"),
        City("Halifax", "B3H #@#", "NS", "+190255501##"),
    ]),
    Country("AU", 4, "en", ENGLISH, "AUD", ENGLISH_STREETS, [
        City("Melbourne", "30##", "VIC", "+6135550####"), City("Sydney", "20##", "NSW", "+6125550####"),
        City("Brisbane", "40##", "QLD", "+6175550####"),
    ]),
    Country("IT", 3, "it", ITALIAN, "EUR", [
        "Via Roma {}", "Via Garibaldi {}", "Corso Italia {}", "Piazza Dante {}", "Via delle Rose {}",
    ], [City("Milano", "201##", "MI"), City("Torino", "101##", "TO"), City("Bologna", "401##", "BO")]),
    Country("ES", 3, "es", SPANISH, "EUR", [
        "Calle Mayor {}", "Calle de Alcalá {}", "Avenida de la Constitución {}", "Paseo del Prado {}",
    ], [City("Madrid", "280##"), City("Barcelona", "080##"), City("Sevilla", "410##")]),
    Country("AT", 2, "de", GERMAN, "EUR", GERMAN_STREETS, [City("Wien", "1##0"), City("Graz", "8010")]),
    Country("PT", 1, "pt", PORTUGUESE, "EUR", ["Rua Augusta {}", "Avenida da Liberdade {}", "Rua das Flores {}"], [
        City("Lisboa", "11##-###"), City("Porto", "40##-###"),
    ]),
]  # fmt: skip

# The worth of one unit in the store's own currency.
RATES = {
    name: Decimal(rate)
    for name, rate in {
        "EUR": "1", "USD": "0.92", "GBP": "1.17", "SEK": "0.09", "CAD": "0.67", "AUD": "0.61",
    }.items()
}  # fmt: skip
STORE_CURRENCY = "EUR"


@dataclass(frozen=True, slots=True)
class Product:
    """`price` in the store's currency, with tax."""

    id: int
    sku: str
    title: str
    variant: str
    price: Decimal


PRODUCTS = [
    Product(11, "ESP-250", "Espresso Hausmischung", "250 g, whole beans", Decimal("9.50")),
    Product(12, "ESP-1000", "Espresso Hausmischung", "1 kg, whole beans", Decimal("32.00")),
    Product(13, "YIR-250", "Yirgacheffe, Ethiopia", "250 g, whole beans", Decimal("12.90")),
    Product(14, "HUI-250", "Huila, Colombia", "250 g, ground", Decimal("11.50")),
    Product(15, "DEC-250", "Decaf, Peru", "250 g, whole beans", Decimal("10.90")),
    Product(21, "FIL-100", "Paper filters", "100 pieces", Decimal("4.20")),
    Product(22, "MUG-01", "Stoneware mug", "Oat", Decimal("18.00")),
    Product(31, "GRI-H", "Hand grinder", "Steel", Decimal("89.00")),
    Product(32, "KET-G", "Gooseneck kettle", "Black, 0.9 l", Decimal("124.00")),
]
SUBSCRIBED = PRODUCTS[:5]
