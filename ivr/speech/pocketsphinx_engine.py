"""English by PocketSphinx, with the model that its package carries. Runs in a worker process: it holds the GIL.

A grammar always finds its best phrase, for any sound. Two things let us say no: decoys, ordinary words that
stand in the grammar beside the phrases; and a second decoding by a loop of phones, which explains any sound. By how
much the phrase explains the speech worse than the phones, per frame, gives the confidence. Measured in
docs/speech.md; the constants below come from there.
"""

import math
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pocketsphinx

from ivr.language import spoken
from ivr.speech import audio
from ivr.speech.port import SAMPLE_RATE

LANGUAGE = "en"
MODEL_RATE = 16000
KEPT_GRAMMARS = 64
"""Making one costs some 10 ms, using one again nothing."""
LANGUAGE_WEIGHT = 2.0
DECOY_WEIGHT = 0.1
HALF_SURE = -2.25
"""The score at which the confidence is one half: log-likelihood against the phones, a thousandth per frame."""
SCORE_SPREAD = 0.4
PHONES = "phones"
WORD = re.compile(r"[a-z][a-z'-]*")
DECOYS = (
    "okay please sorry help wait what who where when how why one two three four five six eight nine ten monday account "
    "price question problem name address money card phone number computer nothing something someone morning evening "
    "maybe really never always wonderful difficult remember together yesterday beautiful chocolate"
)


class PocketSphinxEngine:
    def __init__(self) -> None:
        model = Path(pocketsphinx.get_model_path()) / "en-us"
        self._decoder = pocketsphinx.Decoder(
            hmm=str(model / "en-us"),
            dict=str(model / "cmudict-en-us.dict"),
            lm=None,
            lw=LANGUAGE_WEIGHT,
            loglevel="FATAL",
        )
        self._decoder.add_allphone_file(PHONES, str(model / "en-us-phone.lm.bin"))
        self._grammars: OrderedDict[str, str] = OrderedDict()
        self._made = 0

    def handle(self, request: Mapping[str, Any], sound: bytes) -> tuple[dict[str, Any], bytes]:
        if request["do"] == "unknown_words":
            return {"unknown": [self._unknown(phrase) for phrase in request["phrases"]]}, b""
        text, confidence = self._recognise(request["phrases"], request["digits"], sound)
        return {"text": text, "confidence": confidence}, b""

    def _recognise(self, phrases: Sequence[str], digits: bool, sound: bytes) -> tuple[str | None, float]:
        known = {phrase.lower(): phrase for phrase in phrases if not self._unknown(phrase)}
        if not known and not digits:
            return None, 0.0
        speech = audio.pcm(audio.resample(audio.samples(sound), SAMPLE_RATE, MODEL_RATE))
        text, phrase_score, frames = self._decode(self._search(tuple(known), digits), speech)
        digit_words = spoken.DIGIT_WORDS[LANGUAGE]
        in_grammar = text in known or (digits and bool(text) and all(word in digit_words for word in text.split()))
        if not in_grammar:
            return None, 0.0
        _, phone_score, _ = self._decode(PHONES, speech)
        score = (phrase_score - phone_score) / max(frames, 1) * 1000
        return known.get(text, text), 1 / (1 + math.exp(-(score - HALF_SURE) / SCORE_SPREAD))

    def _decode(self, search: str, speech: bytes) -> tuple[str, float, int]:
        """The text, its log-likelihood, and how many frames of it are speech."""
        decoder = self._decoder
        decoder.activate_search(search)
        decoder.start_utt()
        decoder.process_raw(speech, full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        if found is None or found.score <= 0:
            return "", -math.inf, 0
        parts = [part for part in decoder.seg() if part.word[0] not in "<[+" and part.word != "SIL"]
        spoken_frames = sum(part.end_frame - part.start_frame + 1 for part in parts)
        return found.hypstr, math.log(found.score), spoken_frames

    def _search(self, phrases: tuple[str, ...], digits: bool) -> str:
        grammar = _jsgf(phrases, digits)
        if grammar in self._grammars:
            self._grammars.move_to_end(grammar)
            return self._grammars[grammar]
        self._made += 1
        name = f"grammar{self._made}"
        self._decoder.add_jsgf_string(name, grammar)
        self._grammars[grammar] = name
        if len(self._grammars) > KEPT_GRAMMARS:
            _, oldest = self._grammars.popitem(last=False)
            self._decoder.remove_search(oldest)
        return name

    def _unknown(self, phrase: str) -> list[str]:
        words = phrase.lower().split()
        return [word for word in words if not WORD.fullmatch(word) or self._decoder.lookup_word(word) is None]


def _jsgf(phrases: tuple[str, ...], digits: bool) -> str:
    used = {word for phrase in phrases for word in phrase.split()}
    ways = [f"/1.0/ {phrase}" for phrase in phrases]
    if digits:
        words = spoken.DIGIT_WORDS[LANGUAGE]
        used |= words.keys()
        ways.append(f"/1.0/ ( {' | '.join(words)} )+")
    ways += [f"/{DECOY_WEIGHT}/ {decoy}" for decoy in DECOYS.split() if decoy not in used]
    return f"#JSGF V1.0; grammar menu; public <answer> = {' | '.join(ways)};"


def open_engine(options: Mapping[str, Any]) -> PocketSphinxEngine:
    return PocketSphinxEngine()
