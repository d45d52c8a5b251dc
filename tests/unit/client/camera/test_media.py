"""Media at the camera: sealed at once, bounded, offered once a record, handed over when they are wanted and only then."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from blindplate.cli.traffic.recordings import clip, sound, still
from blindplate.client.camera.backlog import Backlog
from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.events import parser_of
from blindplate.client.camera.feed import Feed
from blindplate.client.camera.folder import FolderSource
from blindplate.client.camera.media.attachments import Attachments
from blindplate.client.camera.media.handing_over import HandingOver
from blindplate.client.camera.media.index import Offer, new_name
from blindplate.client.camera.media.settings import MediaSettings
from blindplate.client.camera.media.store import MediaStore
from blindplate.client.camera.passes import Passes
from blindplate.client.camera.reads import CameraRead, Reader
from blindplate.client.camera.seal import SealedBatch, seal_batch
from blindplate.core.domains import Domain
from blindplate.core.errors import EnvelopeError, MessageError, StorageError, UnavailableError
from blindplate.core.parties import Custodian
from blindplate.core.records.media import (
    SealedMedia,
    bundle_length,
    media_reference,
    media_token,
    open_bundle,
    open_media,
)
from blindplate.core.records.opening import open_envelope, open_payload, open_wire_envelope
from blindplate.core.records.wire import Wire
from blindplate.core.statements.disclosure import DisclosedField, Disclosure
from blindplate.core.statements.policies import ListPolicy
from blindplate.v1 import records_pb2
from tests.unit.client.camera.samples import (
    NOW,
    PLATE,
    ZONE,
    MovedClock,
    Parties,
    emissions,
    entry,
    police,
)

PARTIES = Parties()
KEYS = PARTIES.sealing_keys()
KEEP_SECONDS = 7200.0
STILL, CLIP, SOUND = still(1), clip(1, 200_000), sound(1)


@dataclass
class Bench:
    """A feed with media, and everything behind it as far as sealing."""

    folder: Path
    settings: MediaSettings
    entries: tuple[ListPolicy, ...]
    limit: int = 1 << 30
    event_format: str = "plain"
    counts: Counts = field(default_factory=Counts)
    clock: MovedClock = field(default_factory=MovedClock)
    backlog: Backlog = field(init=False)
    store: MediaStore = field(init=False)
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.backlog = Backlog(1000, self.counts, drop_oldest=False)
        self.store = MediaStore(self.folder / "media", self.limit, self.counts)
        policy = PARTIES.policy_file(self.folder, PARTIES.policy(*self.entries))
        attachments = Attachments(self.store, self.settings, policy, KEEP_SECONDS, self.counts)
        reader = Reader(Passes(10), "GB", 3600, self.counts)
        parse = parser_of(self.event_format)
        self.feed = Feed(parse, reader, self.backlog, policy, self.clock, self.counts, None, attachments)

    def reads(self, list_id: str = "police") -> list[CameraRead]:
        reads = self.backlog.take(list_id, 1000)
        self.backlog.done(list_id, reads)
        return reads

    def seal(self, one: ListPolicy) -> SealedBatch:
        pairs = [(read, bytes(64)) for read in self.reads(one.list_id) if not read.alternate]
        domain = Domain(one.list_id, ZONE, one.generation)
        batch = seal_batch(PARTIES.identity(), one, domain, pairs, KEYS, NOW, KEEP_SECONDS)
        self.store.offer(batch.offers)
        return batch

    def files(self) -> list[Path]:
        return sorted((self.folder / "media").glob("*.sealed"))


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    made: list[Bench] = []

    def bench(*entries: ListPolicy, limit: int = 1 << 30, **changes: Any) -> Bench:
        made.append(Bench(tmp_path, MediaSettings(**changes), entries or (police(), emissions()), limit))
        return made[-1]

    yield bench
    for one in made:
        one.store.close()


def message(plate: str = PLATE, moment: float = NOW, **more: object) -> bytes:
    captured_at = datetime.fromtimestamp(moment, UTC).isoformat()
    return json.dumps({"plate": plate, "captured_at": captured_at, **more}).encode()


def multipart(**parts: bytes) -> bytes:
    body = b"".join(
        b'--cut\r\nContent-Disposition: form-data; name="%s"; filename="%s.bin"\r\n\r\n%s\r\n'
        % (name.encode(), name.encode(), content)
        for name, content in parts.items()
    )
    return body + b"--cut--\r\n"


def opened(item: bytes) -> tuple[records_pb2.Payload, bytes, bytes]:
    """A record's payload, its match secret, and the digest of its header."""
    wire = Wire.from_bytes(item)
    _, s = open_wire_envelope(wire, PARTIES.window)
    share_a = open_envelope(wire.record, Custodian.A, PARTIES.release_a).share
    share_b = open_envelope(wire.record, Custodian.B, PARTIES.release_b).share
    return open_payload(wire.record, share_a, share_b, s), s, wire.record.header.digest()


def contents(payload: records_pb2.Payload, bundle: bytes) -> list[bytes]:
    """What an owner gets out of a bundle with the payload's keys."""
    media = [SealedMedia.from_proto(one) for one in payload.media]
    assert bundle_length(media) == len(bundle)
    total = sum(one.sealed_bytes for one in media)
    sealed = b"".join(open_bundle(payload.media_key, [bundle], total))
    found: list[bytes] = []
    for one in media:
        found.append(b"".join(open_media(one, [sealed[: one.sealed_bytes]])))
        sealed = sealed[one.sealed_bytes :]
    return found


def test_media_beside_an_event_are_sealed_at_once_and_open_with_its_records_payload(
    make: Any, tmp_path: Path
) -> None:
    bench = make()
    for name, content in (("still.jpg", STILL), ("clip.mp4", CLIP), ("sound.wav", SOUND)):
        (tmp_path / name).write_bytes(content)
    beside = [tmp_path / name for name in ("still.jpg", "clip.mp4", "sound.wav")]
    taken = bench.feed.take(message(), tmp_path, beside)
    assert taken.failures == ()
    # Before any pseudonym was made, nothing of them is in the clear any more but the files that were given.
    assert len(bench.files()) == 3
    for path in bench.files():
        for content in (STILL, CLIP[1000:1064], SOUND[1000:1064]):
            assert content not in path.read_bytes()
    batch = bench.seal(police())
    (item,), (offer,) = batch.items, batch.offers
    payload, s, header_digest = opened(item.wire)
    assert [one.media_type for one in payload.media] == ["image/jpeg", "video/mp4", "audio/wav"]
    token = media_token(s, header_digest)
    assert (offer.token, offer.reference) == (token, media_reference(token))
    (found,) = bench.store.find([offer.reference, bytes(16)])
    assert contents(payload, b"".join(bench.store.bundle(found))) == [STILL, CLIP, SOUND]
    assert bench.counts[Counted.MEDIA] == 3


def test_a_list_gets_the_kinds_its_policy_names_and_no_other(make: Any, tmp_path: Path) -> None:
    fields = frozenset({DisclosedField.AUDIO})
    hearing = entry(
        "police",
        police().epoch.rule(),
        Disclosure(fields=fields, time_granularity_seconds=60),
        police().list_kind,
    )
    bench = make(hearing, emissions(), media_folder=tmp_path)
    (tmp_path / "a.wav").write_bytes(SOUND)
    (tmp_path / "a.mp4").write_bytes(CLIP)
    bench.feed.take(message(media=["a.wav", "a.mp4"]))
    # Nobody may ever see the clip: it is not even kept.
    assert len(bench.files()) == 1
    (item,) = bench.seal(hearing).items
    payload, _, _ = opened(item.wire)
    assert [one.media_type for one in payload.media] == ["audio/wav"]
    batch = bench.seal(emissions())
    assert batch.offers == []
    payload, _, _ = opened(batch.items[0].wire)
    assert not payload.media
    assert not payload.media_key


def test_records_of_one_read_have_nothing_in_common_that_leaves_the_camera(make: Any, tmp_path: Path) -> None:
    other = entry("force-2", police().epoch.rule(), police().disclosure, police().list_kind)
    bench = make(police(), other, media_folder=tmp_path)
    (tmp_path / "a.mp4").write_bytes(CLIP)
    bench.feed.take(message(media=["a.mp4"]))
    (first,), (second,) = bench.seal(police()).offers, bench.seal(other).offers
    assert len(bench.files()) == 1
    assert first.files == second.files
    assert first.reference != second.reference
    assert first.token != second.token
    bundles = [b"".join(bench.store.bundle(one)) for one in (first, second)]
    pieces = [{one[start : start + 32] for start in range(0, len(one), 32)} for one in bundles]
    assert pieces[0].isdisjoint(pieces[1])


def test_nothing_on_the_disk_opens_the_media(make: Any, tmp_path: Path) -> None:
    """A stolen disk: every file that is kept, the keys of bundles among them, against the sealed file."""
    bench = make(media_folder=tmp_path)
    (tmp_path / "a.mp4").write_bytes(CLIP)
    bench.feed.take(message(media=["a.mp4"]))
    assert not (tmp_path / "a.mp4").exists()
    (item,) = bench.seal(police()).items
    payload, _, _ = opened(item.wire)
    (medium,) = (SealedMedia.from_proto(one) for one in payload.media)
    bench.store.close()
    disk = b"".join(path.read_bytes() for path in sorted((tmp_path / "media").iterdir()))
    assert medium.key not in disk
    assert CLIP[2000:2064] not in disk
    (sealed,) = bench.files()
    stolen = payload.media_key
    assert stolen in disk
    with pytest.raises(EnvelopeError):
        list(
            open_media(
                SealedMedia(medium.media_type, medium.digest, medium.sealed_bytes, stolen),
                [sealed.read_bytes()],
            )
        )
    # The search itself is no blind one: with the payload's key the very file opens.
    assert b"".join(open_media(medium, [sealed.read_bytes()])) == CLIP


def test_parts_of_a_pushed_message_that_the_settings_name_are_media(make: Any) -> None:
    bench = make(media_parts=("Scene", "film"))
    pushed = multipart(film=CLIP, event=message(), scene=STILL, cabin=still(2))
    assert bench.feed.take(pushed).failures == ()
    (item,) = bench.seal(police()).items
    payload, _, _ = opened(item.wire)
    assert [one.media_type for one in payload.media] == ["video/mp4", "image/jpeg"]


def test_without_such_settings_no_part_is_taken(make: Any) -> None:
    bench = make()
    assert bench.feed.take(multipart(event=message(), scene=STILL)).failures == ()
    assert bench.files() == []


def test_a_part_that_seems_to_end_the_message_costs_the_message_alone(make: Any) -> None:
    bench = make(media_parts=("film",))
    (failure,) = bench.feed.take(multipart(film=b"a\r\n--cutter\r\n", event=message())).failures
    assert failure.code == "event"
    assert bench.feed.take(multipart(event=message(), film=CLIP)).failures == ()


def test_media_of_a_message_with_several_events_are_nobodys(make: Any, tmp_path: Path) -> None:
    bench = make()
    bench.feed._parse = lambda raw: [one for line in raw.splitlines() for one in parser_of("plain")(line)]
    (tmp_path / "a.jpg").write_bytes(STILL)
    both = b"\n".join((message(), message("LB99XYZ")))
    assert bench.feed.take(both, tmp_path, [tmp_path / "a.jpg"]).failures == ()
    assert bench.files() == []
    assert bench.counts[Counted.MEDIA_LEFT_OUT] == 1


def test_a_message_may_be_as_much_longer_as_its_media(make: Any) -> None:
    long = clip(2, 9 << 20)
    assert make(media_parts=("film",)).feed.take(multipart(event=message(), film=long)).failures == ()


def test_a_second_event_of_a_pass_brings_nothing(make: Any, tmp_path: Path) -> None:
    bench = make(media_folder=tmp_path)
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(STILL)
        bench.feed.take(message(media=[name]))
        assert not (tmp_path / name).exists()
    assert len(bench.files()) == 1


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/etc/passwd", "a/b.jpg", ".hidden.jpg", "", "a\\b.jpg", "x" * 256, "a\0.jpg"]
)
def test_a_name_that_leads_elsewhere_is_refused(make: Any, tmp_path: Path, name: str) -> None:
    (failure,) = make(media_folder=tmp_path).feed.take(message(media=[name])).failures
    assert failure.code == "event"


def test_links_pipes_and_folders_are_not_read(make: Any, tmp_path: Path) -> None:
    inside = tmp_path / "inbox"
    (inside / "folder.jpg").mkdir(parents=True)
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(STILL)
    (inside / "link.jpg").symlink_to(secret)
    os.mkfifo(inside / "pipe.jpg")
    bench = make(media_folder=inside)
    names = ["link.jpg", "pipe.jpg", "folder.jpg", "missing.jpg"]
    assert bench.feed.take(message(media=names)).failures == ()
    assert bench.files() == []
    assert bench.counts[Counted.MEDIA_LEFT_OUT] == 4
    assert secret.exists()


@pytest.mark.parametrize("content", [b"neither", b"\xff\xd8\xff no picture", b"", CLIP[:-5], b"x" * 4000])
def test_what_is_no_medium_or_too_long_costs_the_read_nothing(
    make: Any, tmp_path: Path, content: bytes
) -> None:
    bench = make(media_folder=tmp_path, media_bytes=3000)
    (tmp_path / "a.mp4").write_bytes(content)
    assert bench.feed.take(message(media=["a.mp4"])).failures == ()
    assert bench.counts[Counted.MEDIA_LEFT_OUT] == 1
    assert len(bench.seal(police()).items) == 1


def test_the_oldest_make_room_and_are_counted(make: Any, tmp_path: Path) -> None:
    bench = make(limit=200_000, media_folder=tmp_path)
    offers: list[Offer] = []
    for number in range(5):
        (tmp_path / "a.jpg").write_bytes(still(number))
        moment = NOW - 3000 + 601 * number
        bench.feed.take(message(f"KT2{number}ABC", moment, media=["a.jpg"]))
        offers += bench.seal(police()).offers
    assert len(bench.files()) == 3
    assert bench.counts[Counted.MEDIA_EVICTED] == 2
    left = bench.store.find([offer.reference for offer in offers])
    assert {offer.reference for offer in left} == {offer.reference for offer in offers[2:]}


def test_a_medium_longer_than_all_may_be_is_left_out_and_evicts_nothing(make: Any, tmp_path: Path) -> None:
    bench = make(limit=200_000, media_folder=tmp_path)
    for name, content in (("a.jpg", STILL), ("b.mp4", clip(1, 400_000))):
        (tmp_path / name).write_bytes(content)
        bench.feed.take(message("KT21ABC" if name == "a.jpg" else "LB99XYZ", media=[name]))
    assert len(bench.files()) == 1
    assert (bench.counts[Counted.MEDIA_LEFT_OUT], bench.counts[Counted.MEDIA_EVICTED]) == (1, 0)


def test_a_disk_that_refuses_costs_the_medium_and_not_the_read(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make(media_folder=tmp_path)
    (tmp_path / "a.jpg").write_bytes(STILL)

    def full(*_: object) -> int:
        raise StorageError("No room.")

    monkeypatch.setattr("blindplate.client.camera.media.store.write_sealed", full)
    assert bench.feed.take(message(media=["a.jpg"])).failures == ()
    assert len(bench.seal(police()).items) == 1
    assert bench.counts[Counted.MEDIA_LEFT_OUT] == 1


def test_what_nobody_asked_for_goes_when_its_window_ends(make: Any, tmp_path: Path) -> None:
    bench = make(media_folder=tmp_path)
    (tmp_path / "a.jpg").write_bytes(STILL)
    bench.feed.take(message(media=["a.jpg"]))
    (offer,) = bench.seal(police()).offers
    bench.store.sweep(NOW + KEEP_SECONDS - 1)
    assert bench.store.find([offer.reference])
    # Ends are told to ten minutes only.
    bench.store.sweep(NOW + KEEP_SECONDS + 600)
    assert bench.files() == []
    assert bench.store.find([offer.reference]) == []
    assert not bench.store.has_offers()


def test_times_on_the_disk_are_coarse(make: Any, tmp_path: Path) -> None:
    bench = make(media_folder=tmp_path)
    (tmp_path / "a.jpg").write_bytes(STILL)
    bench.feed.take(message(media=["a.jpg"]))
    (path,) = bench.files()
    assert path.stat().st_mtime % 600 == 0
    assert path.stat().st_mode & 0o777 == 0o600


def test_after_a_crash_offers_are_there_and_what_nobody_can_open_goes(make: Any, tmp_path: Path) -> None:
    bench = make(media_folder=tmp_path)
    (tmp_path / "a.jpg").write_bytes(STILL)
    bench.feed.take(message(media=["a.jpg"]))
    (offer,) = bench.seal(police()).offers
    bench.store.close()
    for name in (f"{new_name().hex()}.sealed", f"{new_name().hex()}.part"):
        (tmp_path / "media" / name).write_bytes(b"left")
    again = MediaStore(tmp_path / "media", 1 << 30, bench.counts)
    assert len(bench.files()) == 1
    assert again.find([offer.reference])
    again.close()
    bench.files()[0].unlink()
    last = MediaStore(tmp_path / "media", 1 << 30, bench.counts)
    assert last.find([offer.reference]) == []
    last.close()


@dataclass
class Matcher:
    """Wants what a test says."""

    want: list[bytes] = field(default_factory=list)
    got: dict[bytes, bytes] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    failure: Exception | None = None

    def wanted(self, after: int) -> tuple[Sequence[bytes], int]:
        self.asked.append(after)
        return self.want[after:], len(self.want)

    def deliver(self, token: bytes, pieces: Iterator[bytes]) -> bool:
        bundle = b"".join(pieces)
        if self.failure is not None:
            raise self.failure
        self.got[token] = bundle
        return True


def offered(bench: Bench, tmp_path: Path, number: int) -> Offer:
    (tmp_path / "a.jpg").write_bytes(still(number))
    bench.feed.take(message(f"KT2{number}ABC", media=["a.jpg"]))
    (offer,) = bench.seal(police()).offers
    return offer


def test_only_what_is_wanted_leaves_and_once(make: Any, tmp_path: Path) -> None:
    bench, matcher = make(media_folder=tmp_path), Matcher()
    handing = HandingOver(bench.store, matcher, 1.0, bench.clock, bench.counts)
    assert handing.step() == 0
    # Nothing could be wanted: nobody is asked.
    assert matcher.asked == []
    first, second = (offered(bench, tmp_path, number) for number in (1, 2))
    assert handing.step() == 0
    matcher.want = [bytes(16), second.reference]
    assert handing.step() == 1
    assert set(matcher.got) == {second.token}
    assert handing.step() == 0
    matcher.want.append(first.reference)
    assert handing.step() == 1
    assert set(matcher.got) == {first.token, second.token}
    assert bench.counts[Counted.MEDIA_DELIVERED] == 2


def test_a_delivery_that_fails_is_tried_again(make: Any, tmp_path: Path) -> None:
    bench, matcher = make(media_folder=tmp_path), Matcher(failure=UnavailableError("Away."))
    handing = HandingOver(bench.store, matcher, 1.0, bench.clock, bench.counts)
    matcher.want = [offered(bench, tmp_path, 1).reference]
    with pytest.raises(UnavailableError):
        handing.step()
    matcher.failure = None
    assert handing.step() == 1
    # Another process begins anew and finds nothing left to do.
    assert HandingOver(bench.store, matcher, 1.0, bench.clock, bench.counts).step() == 0


def test_media_that_the_matcher_will_never_take_are_given_up_and_counted(make: Any, tmp_path: Path) -> None:
    bench, matcher = make(media_folder=tmp_path), Matcher(failure=MessageError("Too long."))
    handing = HandingOver(bench.store, matcher, 1.0, bench.clock, bench.counts)
    matcher.want = [offered(bench, tmp_path, 1).reference]
    assert [handing.step(), handing.step()] == [0, 0]
    assert bench.counts[Counted.MEDIA_REFUSED] == 1


def test_a_matcher_set_up_anew_is_asked_from_the_beginning(make: Any, tmp_path: Path) -> None:
    bench, matcher = make(media_folder=tmp_path), Matcher()
    handing = HandingOver(bench.store, matcher, 1.0, bench.clock, bench.counts)
    offer = offered(bench, tmp_path, 1)
    matcher.want = [bytes(16)] * 5
    assert handing.step() == 0
    matcher.want = [offer.reference]
    assert handing.step() == 0
    bench.clock.moment += 601
    assert handing.step() == 1


def test_media_evicted_before_they_were_handed_over_are_told(make: Any, tmp_path: Path) -> None:
    bench, matcher = make(media_folder=tmp_path), Matcher()
    handing = HandingOver(bench.store, matcher, 1.0, bench.clock, bench.counts)
    matcher.want = [offered(bench, tmp_path, 1).reference]
    bench.files()[0].unlink()
    assert handing.step() == 0
    assert matcher.got == {}


def test_a_folders_files_go_with_the_event_whose_name_they_bear(make: Any, tmp_path: Path) -> None:
    bench = make()
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    old = time.time() - 60
    for name, content in (
        ("10.0.0.5_1.json", message(media=["named.mp4"])),
        ("10.0.0.5_1.jpg", STILL),
        ("10.0.0.5_1.rear.jpg", still(2)),
        ("named.mp4", CLIP),
        ("10.0.0.5_2.jpg", still(3)),
        ("left.wav", SOUND),
    ):
        (inbox / name).write_bytes(content)
        os.utime(inbox / name, (old, old))
    os.utime(inbox / "left.wav", (old - 1000, old - 1000))
    stop = threading.Event()
    watching = threading.Thread(target=FolderSource(inbox).run, args=(bench.feed, stop))
    watching.start()
    deadline = time.monotonic() + 20
    while (inbox / "10.0.0.5_1.json").exists() and time.monotonic() < deadline:
        batch = bench.seal(police())
        bench.reads("emissions")
        for item in batch.items:
            payload, _, _ = opened(item.wire)
            types = sorted(one.media_type for one in payload.media)
            assert types == ["image/jpeg", "image/jpeg", "video/mp4"]
        time.sleep(0.05)
    stop.set()
    watching.join()
    # Of another event that has not come yet; what waited too long is gone.
    assert [path.name for path in inbox.iterdir()] == ["10.0.0.5_2.jpg"]


def test_an_event_waits_for_media_that_are_being_written(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(message())
    os.utime(tmp_path / "a.json", (0, 0))
    (tmp_path / "a.mp4").write_bytes(CLIP)
    assert list(FolderSource(tmp_path)._ready()) == []
    os.utime(tmp_path / "a.mp4", (0, 0))
    (found,) = FolderSource(tmp_path)._ready()
    assert (found.message.name, [path.name for path in found.media]) == ("a.json", ["a.mp4"])


class Bounds(RuleBasedStateMachine):
    """Whatever is kept, offered, handed over, swept or interrupted: the bound holds, and index and folder agree."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name) / "media"
        self.counts = Counts()
        self.limit = 4 * 66_000
        self.store = MediaStore(self.folder, self.limit, self.counts)
        self.now = NOW
        self.kept: list[bytes] = []
        self.offers: list[Offer] = []

    @rule(until=st.floats(0, 5000), size=st.integers(0, 150_000))
    def keep(self, until: float, size: int) -> None:
        self.kept.append(self.store.keep("image/jpeg", bytes(size), self.now + until).name)

    @rule(data=st.data())
    def offer(self, data: st.DataObject) -> None:
        names = data.draw(st.lists(st.sampled_from(self.kept), max_size=3)) if self.kept else []
        if names:
            one = Offer(new_name(), new_name() * 2, new_name() * 2, tuple(names), self.now + 1000)
            self.offers.append(one)
            self.store.offer([one])

    @rule(seconds=st.floats(0, 3000))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.store.sweep(self.now)

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        if self.offers:
            self.store.delivered(data.draw(st.sampled_from(self.offers)).reference)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = MediaStore(self.folder, self.limit, self.counts)

    @invariant()
    def bounded_and_whole(self) -> None:
        files = list(self.folder.glob("*.sealed"))
        assert sum(path.stat().st_size for path in files) <= self.limit
        for one in self.store.find([offer.reference for offer in self.offers]):
            assert one.files
            assert b"".join(self.store.bundle(one))

    def teardown(self) -> None:
        self.store.close()
        self.temporary.cleanup()


TestBounds = Bounds.TestCase
TestBounds.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
