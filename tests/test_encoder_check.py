"""The check of the encoder against the texts, with the tokenizer of the packaged encoder."""

import sys

import pytest

from al_loop.embed import load_embedder
from al_loop.encoder_check import SAMPLE, check

ENGLISH = [
    "My order still has not arrived, where is it?",
    "Please cancel my subscription and refund the last payment.",
    "The app crashes every time I try to open the settings page.",
    "Can somebody call me back about the damaged parcel?",
]
MESSY = [
    "hiii my oder #A-99812 hasnt arived yet??? 😡😡",
    "plz refnd me asap, paymnt went thru twice 💸 ref 00123-XZ",
    "cant log in... tried 3x, says error 0x80070057 wtf",
    "u guys r awesome 😍 but wheres my tracking nr JD014600003",
    "Re: Re: ticket 4471 - stil waiting, its been 2 wks!!!!",
    "app keeps crashin on my iphone 14 pro max since updt 17.2.1",
    "gr8 servce but teh box was smashd, pics attched 📦📷",
    "how do i chnge my adress?? moved to 12b Elm St NW1 4RY",
]
WEAK = {
    "German": [
        "Meine Bestellung ist immer noch nicht angekommen, wo bleibt sie?",
        "Bitte kündigen Sie mein Abonnement und erstatten Sie die letzte Zahlung.",
        "Die App stürzt jedes Mal ab, wenn ich die Einstellungen öffne.",
    ],
    "French": [
        "Ma commande n'est toujours pas arrivée, où est-elle ?",
        "Veuillez résilier mon abonnement et rembourser le dernier paiement.",
        "L'application plante chaque fois que j'ouvre les paramètres.",
    ],
    "Spanish": [
        "Mi pedido todavía no ha llegado, ¿dónde está?",
        "Por favor, cancelen mi suscripción y devuelvan el último pago.",
        "La aplicación se cierra cada vez que abro los ajustes.",
    ],
    "Vietnamese": [
        "Đơn hàng của tôi vẫn chưa đến, nó đang ở đâu?",
        "Vui lòng hủy đăng ký của tôi và hoàn lại khoản thanh toán cuối cùng.",
        "Ứng dụng bị treo mỗi khi tôi mở phần cài đặt.",
    ],
}
STRANGE = {
    "Polish": (
        "Latin",
        [
            "Moje zamówienie nadal nie dotarło, gdzie ono jest?",
            "Proszę anulować moją subskrypcję i zwrócić ostatnią płatność.",
        ],
    ),
    "Finnish": (
        "Latin",
        [
            "Tilaukseni ei ole vieläkään saapunut, missä se on?",
            "Voiko joku soittaa minulle vaurioituneesta paketista?",
        ],
    ),
    "Russian": (
        "Cyrillic",
        [
            "Мой заказ до сих пор не пришёл, где он?",
            "Пожалуйста, отмените мою подписку и верните последний платёж.",
        ],
    ),
    "Greek": (
        "Greek",
        [
            "Πού είναι η παραγγελία μου; Δεν έχει φτάσει ακόμα.",
            "Κλείνει η εφαρμογή κάθε φορά που ανοίγω τις ρυθμίσεις.",
        ],
    ),
    "Arabic": ("Arabic", ["طلبي لم يصل حتى الآن، أين هو؟", "يرجى إلغاء اشتراكي وإعادة آخر دفعة."]),
    "Hebrew": (
        "Hebrew",
        ["ההזמנה שלי עדיין לא הגיעה, איפה היא?", "נא לבטל את המנוי שלי ולהחזיר את התשלום."],
    ),
    "Hindi": (
        "Devanagari",
        ["मेरा ऑर्डर अभी तक नहीं आया है, वह कहाँ है?", "सेटिंग खोलते ही ऐप हर बार बंद हो जाता है।"],
    ),
    "Thai": ("Thai", ["คำสั่งซื้อของฉันยังไม่มาถึง อยู่ที่ไหน", "แอปหยุดทำงานทุกครั้งที่ฉันเปิดการตั้งค่า"]),
    "Korean": ("Hangul", ["제 주문이 아직 도착하지 않았어요.", "설정을 열 때마다 앱이 멈춰요."]),
    "Japanese": (
        "Hiragana",
        ["注文した商品がまだ届いていません。", "設定を開くたびにアプリが落ちます。"],
    ),
    "Chinese": ("Han", ["我的订单还没有到,现在在哪里?", "每次打开设置页面,应用就会闪退。"]),
}

packaged = load_embedder("all-MiniLM-L6-v2")


@pytest.mark.parametrize("texts", [ENGLISH, MESSY], ids=["clean", "messy"])
def test_english_messages_pass_without_a_word_typos_numbers_and_emoji_included(texts):
    report = check(packaged, texts)
    assert report.ok
    assert report.advice == ""


@pytest.mark.parametrize("language", WEAK)
def test_a_language_that_is_close_to_english_gets_a_soft_warning(language):
    report = check(packaged, WEAK[language])
    assert report.ok
    assert "may be weak" in report.advice


@pytest.mark.parametrize("language", STRANGE)
def test_a_language_the_encoder_does_not_know_is_told_with_what_to_type(language):
    script, texts = STRANGE[language]
    report = check(packaged, texts)
    assert not report.ok
    assert next(iter(report.scripts)) == script
    assert "all-MiniLM-L6-v2 does not know the language of your texts" in report.advice
    assert "in config.toml, set [model] encoder = " in report.advice
    assert '"paraphrase-multilingual-MiniLM-L12-v2"' in report.advice
    assert '"hashing"' in report.advice


@pytest.mark.parametrize("language", ["Chinese", "Japanese", "Korean", "Russian", "Arabic", "Thai"])
def test_the_small_multilingual_encoder_is_named_where_it_would_do(language):
    advice = check(packaged, STRANGE[language][1]).advice
    assert '[model] encoder = "multilingual"' in advice
    assert 'pip install "al-loop[multilingual]"' in advice


@pytest.mark.parametrize("language", ["Greek", "Hebrew", "Hindi"])
def test_the_small_multilingual_encoder_is_not_named_for_letters_it_does_not_know(language):
    assert '"multilingual"' not in check(packaged, STRANGE[language][1]).advice


def test_russian_is_found_although_none_of_its_tokens_is_unknown():
    report = check(packaged, STRANGE["Russian"][1])
    assert report.unknown_share == 0
    assert report.pieces_per_word > 4


def test_chinese_is_found_although_it_has_one_piece_a_word():
    report = check(packaged, STRANGE["Chinese"][1])
    assert report.pieces_per_word == pytest.approx(1)
    assert report.unknown_share > 0.5


def test_a_part_of_the_texts_in_another_language_is_told_with_its_share():
    report = check(packaged, ENGLISH * 3 + WEAK["Spanish"])
    assert report.ok
    assert "weak on 20% of your texts" in report.advice


def test_a_few_texts_in_another_script_do_not_condemn_the_encoder():
    report = check(packaged, ENGLISH * 4 + STRANGE["Chinese"][1])
    assert report.ok
    assert report.unknown_share > 0.03
    assert "weak on 11% of your texts" in report.advice


def test_numbers_and_emoji_alone_are_no_reason_to_complain():
    assert check(packaged, ["4711 😀", "#00123-44 !!", ""]).advice == ""


def test_no_text_at_all_is_fine():
    assert check(packaged, []).ok


def test_the_hashing_encoder_fits_any_language():
    report = check(load_embedder("hashing"), STRANGE["Chinese"][1])
    assert report.ok
    assert report.advice == ""
    assert report.scripts == {"Han": 1.0}


def test_a_vocabulary_of_many_languages_may_split_words_more_often():
    class Encoding:
        def __init__(self, text):
            self.ids = [1] * round(2.3 * len(text.split()))

    class Tokenizer:
        size = 250_000

        def get_vocab_size(self):
            return self.size

        def token_to_id(self, token):
            return 0

        def encode_batch(self, texts, add_special_tokens):
            return [Encoding(t) for t in texts]

    class Multilingual:
        name = "multilingual"

        def tokenizer(self):
            return Tokenizer()

    texts = ["one two three four five six seven eight nine ten"]
    assert check(Multilingual(), texts).advice == ""
    Tokenizer.size = 30_000
    assert "may be weak" in check(Multilingual(), texts).advice


def test_at_most_500_texts_are_looked_at_the_same_ones_each_time():
    seen = []

    class Recorder:
        name = "recorder"

        def tokenizer(self):
            inner = packaged.tokenizer()

            class Tokenizer:
                get_vocab_size = inner.get_vocab_size
                token_to_id = inner.token_to_id

                def encode_batch(self, texts, add_special_tokens):
                    seen.append(list(texts))
                    return inner.encode_batch(texts, add_special_tokens=add_special_tokens)

            return Tokenizer()

    texts = [f"{ENGLISH[i % 4]} {chr(97 + i % 26)}" for i in range(3_000)]
    first, second = check(Recorder(), texts), check(Recorder(), texts)
    assert first == second
    assert seen[0] == seen[1]
    assert len(seen[0]) == SAMPLE


def test_the_check_of_the_packaged_encoder_does_not_load_the_model(monkeypatch):
    embedder = load_embedder("all-MiniLM-L6-v2")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    assert check(embedder, ENGLISH).ok
