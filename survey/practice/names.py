"""Invented Japanese names, with readings: nobody's town, and easy to tell from a real one by its prefecture."""

from __future__ import annotations

from random import Random
from typing import NamedTuple


class Name(NamedTuple):
    """A name in kanji, its reading in katakana, and in letters."""

    kanji: str
    kana: str
    romaji: str


_FIRST = """青 アオ ao|霧 キリ kiri|白 シラ shira|月 ツキ tsuki|風 カゼ kaze|朝 アサ asa|夕 ユウ yu|雪 ユキ yuki|星 ホシ hoshi
|花 ハナ hana|竹 タケ take|松 マツ matsu|杉 スギ sugi|桐 キリ giri|藤 フジ fuji|桜 サクラ sakura|梅 ウメ ume|菊 キク kiku
|鶴 ツル tsuru|亀 カメ kame|鷹 タカ taka|雁 カリ kari|鹿 シカ shika|熊 クマ kuma|潮 シオ shio|波 ナミ nami|砂 スナ suna
|石 イシ ishi|岩 イワ iwa|玉 タマ tama|金 カネ kane|銀 シロガネ shirogane|赤 アカ aka|黒 クロ kuro|紅 ベニ beni|若 ワカ waka
|古 フル furu|新 ニイ nii|大 オオ o|小 コ ko|上 カミ kami|下 シモ shimo|東 ヒガシ higashi|西 ニシ nishi""".replace(
    "\n", ""
)
_SECOND = """嶺 ミネ mine|瀬 セ se|谷 タニ tani|原 ハラ hara|沢 サワ sawa|浜 ハマ hama|浦 ウラ ura|崎 サキ saki|野 ノ no
|森 モリ mori|林 バヤシ bayashi|川 カワ kawa|田 タ ta|里 サト sato|郷 ゴウ go|泉 イズミ izumi|池 イケ ike|沼 ヌマ numa
|島 シマ shima|岬 ミサキ misaki|峠 トウゲ toge|坂 サカ saka|橋 ハシ hashi|戸 ト to|津 ツ tsu|港 ミナト minato|倉 クラ kura
|岡 オカ oka|丘 オカ kyu|台 ダイ dai|平 ヒラ hira|根 ネ ne|尾 オ o|牧 マキ maki|窪 クボ kubo|塚 ツカ tsuka""".replace(
    "\n", ""
)
_PREFECTURE_ENDS = (
    "嶺 ミネ mine|霞 カスミ kasumi|灘 ナダ nada|郷 ゴウ go|瀬 セ se|浦 ウラ ura|原 ハラ hara|岬 ミサキ misaki"
)
_MINISTRIES = """星務 セイム seimu|潮流 チョウリュウ choryu|里山 サトヤマ satoyama|統算 トウサン tosan|暦法 レキホウ rekiho|工匠 コウショウ kosho
|文庫 ブンコ bunko|気候 キコウ kiko|水路 スイロ suiro|鉱山 コウザン kozan|森務 シンム shinmu|島嶼 トウショ tosho|通信 ツウシン tsushin
|養生 ヨウジョウ yojo|交易 コウエキ koeki|検量 ケンリョウ kenryo""".replace("\n", "")
_OFFICES = """省 ショウ sho|庁 チョウ cho|院 イン in|委員会 イインカイ iinkai|研究所 ケンキュウジョ kenkyujo|試験場 シケンジョウ shikenjo
|監理局 カンリキョク kanrikyoku|情報処 ジョウホウショ johosho|博物館 ハクブツカン hakubutsukan|審査室 シンサシツ shinsashitsu
|記録所 キロクジョ kirokujo|観測所 カンソクジョ kansokujo|訓練校 クンレンコウ kunrenko|図書院 トショイン toshoin
|管理庁 カンリチョウ kanricho|計画局 ケイカクキョク keikakukyoku|相談室 ソウダンシツ sodanshitsu|検査院 ケンサイン kensain""".replace(
    "\n", ""
)
_REAL = frozenset(
    "青森 岩手 宮城 秋田 山形 福島 茨城 栃木 群馬 埼玉 千葉 東京 神奈川 新潟 富山 石川 福井 山梨 長野 岐阜 静岡 愛知 三重 滋賀 "
    "京都 大阪 兵庫 奈良 和歌山 鳥取 島根 岡山 広島 山口 徳島 香川 愛媛 高知 福岡 佐賀 長崎 熊本 大分 宮崎 鹿児島 沖縄 "
    "小松 松島 岩沼 桜川 白石 石川 赤坂 大津 小牧 新津 大野 上田 下田 大島 大川 金沢 鹿島 熊野 熊谷 亀岡 亀山 鶴岡 松江 "
    "松原 松戸 藤沢 藤岡 白川 花巻 古河 新島 石巻 石岡 岩倉 小平 大田 黒石 赤平 赤穂 東村 砂川 高崎 若狭 杉戸 竹原 竹田".split()
)


def _parts(text: str) -> list[Name]:
    return [Name(*entry.split()) for entry in text.split("|")]


def _pairs(first: str, second: str) -> list[Name]:
    found = [
        Name(a.kanji + b.kanji, a.kana + b.kana, a.romaji + b.romaji)
        for a in _parts(first)
        for b in _parts(second)
        if a.kanji + b.kanji not in _REAL
    ]
    return list({name.romaji: name for name in reversed(found)}.values())[::-1]


def prefectures(random: Random, count: int) -> list[Name]:
    """Names of prefectures, without 県; none of them real."""
    return random.sample(_pairs(_FIRST, _PREFECTURE_ENDS), count)


def towns(random: Random, count: int) -> list[Name]:
    """Names for one prefecture's cities, towns and villages, each once."""
    return random.sample(_pairs(_FIRST, _SECOND), count)


def offices(random: Random, count: int) -> list[Name]:
    """Names of national bodies, each once."""
    return random.sample(_pairs(_MINISTRIES, _OFFICES), count)
