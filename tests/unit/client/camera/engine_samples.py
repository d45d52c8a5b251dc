"""One message of every engine, in its documented shape and made up here, with every field that is never used said aloud.

``{canary}`` stands wherever an engine puts something that this purpose does not need.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from blindplate.cli.traffic.patches import patch

MOMENT = 1_772_349_330.25
CANARY = "QUOKKA-7731"
BARE_JPEG = patch(1)


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def jpeg(canary: str = CANARY) -> bytes:
    """BARE_JPEG with the canary in every place for metadata, before, between and after."""
    said = canary.encode()
    marks = (
        segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
        + segment(0xE1, b"Exif\x00\x00" + said)
        + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + said)
        + segment(0xED, b"Photoshop 3.0\x00" + said)
        + segment(0xFE, said)
    )
    body = BARE_JPEG[2:-2]
    return b"\xff\xd8" + marks + body + segment(0xFE, said) + b"\xff\xd9" + said


def bare_png() -> bytes:
    header = (1).to_bytes(4, "big") * 2 + bytes((8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00\x80"))
        + chunk(b"IEND", b"")
    )


def png(canary: str = CANARY) -> bytes:
    said = canary.encode()
    bare = bare_png()
    after_header = bare.index(b"IDAT") - 4
    marks = chunk(b"tEXt", b"Comment\x00" + said) + chunk(b"eXIf", said) + chunk(b"quOk", said)
    return bare[:after_header] + marks + bare[after_header:] + said


PICTURE = base64.b64encode(jpeg()).decode()
SCENE = base64.b64encode(jpeg() + CANARY.encode()).decode()

PLAIN: dict[str, Any] = {
    "plate": "KT21 ABC",
    "captured_at": "2026-03-01T07:15:30.250Z",
    "plate_patch": PICTURE,
    "driver": CANARY,
    "vehicle": {"make": "Ford", "passengers": CANARY},
}
OPENALPR: dict[str, Any] = {
    "data_type": "alpr_group",
    "epoch_start": 1_772_349_330_250,
    "camera_id": 1009,
    "agent_uid": CANARY,
    "company_id": CANARY,
    "uuids": [CANARY],
    "best_uuid": CANARY,
    "country": "gb",
    "best_plate": {"plate": "KT21ABC", "region": "gb", "plate_crop_jpeg": PICTURE, "vehicle_crop": SCENE},
    "candidates": [{"plate": "KT21ABC", "confidence": 94.25, "matches_template": CANARY}],
    "vehicle_crop_jpeg": SCENE,
    "vehicle": {"year": [{"name": CANARY}], "color": [{"name": "blue"}]},
}
PLATERECOGNIZER: dict[str, Any] = {
    "hook": {"id": CANARY, "event": "recognition", "filename": CANARY},
    "data": {
        "camera_id": "gate",
        "filename": CANARY,
        "timestamp": "2026-03-01T07:15:30.250Z",
        "results": [{"plate": "kt21abc", "score": 0.9, "orientation": CANARY, "vehicle": {"type": CANARY}}],
    },
}
AXIS: dict[str, Any] = {
    "packetCounter": "12",
    "capture_timestamp": "1772349330250",
    "datetime": CANARY,
    "plateText": CANARY,
    "plateUTF8": "KT21ABC",
    "plateASCII": "KT21ABC",
    "plateCountry": "GBR",
    "plateRegion": CANARY,
    "plateList": CANARY,
    "plateConfidence": "0.875000",
    "carState": "new",
    "carID": "77",
    "geotag": {"lat": 51.5, "lon": CANARY},
    "carMoveDirection": "in",
    "imagesURI": [f"/images/{CANARY}_KT21ABC.jpg"],
    "imageFile": CANARY,
    "sensorProviderID": "gate",
    "camera_info": {"SerialNumber": CANARY},
    "vehicle_info": {"brand": "Ford", "model": "Focus", "color": "BLUE", "view": CANARY},
    "ImageArray": [
        {"ImageType": "vehicle", "BinaryImage": SCENE},
        {"ImageType": "plate", "ImageFormat": CANARY, "BinaryImage": PICTURE},
    ],
}
FRIGATE: dict[str, Any] = {
    "type": "lpr",
    "id": "1772349325.5-abcdef",
    "name": CANARY,
    "plate": "KT21ABC",
    "score": 0.875,
    "camera": "gate",
    "timestamp": MOMENT,
    "plate_box": [CANARY],
}
FASTALPR: dict[str, Any] = {
    "captured_at": "2026-03-01T07:15:30.250Z",
    "reads": [{"text": "KT21ABC", "confidence": [0.75, 1, 1, 1, 1, 1, 1], "region": CANARY}],
    "frame": CANARY,
}
HIKVISION_XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
  <ipAddress>{CANARY}</ipAddress><macAddress>{CANARY}</macAddress><channelID>1</channelID>
  <dateTime>2026-03-01T08:15:30.250+01:00</dateTime>
  <eventType>ANPR</eventType><eventState>active</eventState><channelName>{CANARY}</channelName>
  <ANPR>
    <country>GBR</country><licensePlate>KT21ABC</licensePlate><line>1</line>
    <direction>forward</direction><confidenceLevel>96</confidenceLevel>
    <pilotsafebelt>{CANARY}</pilotsafebelt><uphone>{CANARY}</uphone><pilotmask>{CANARY}</pilotmask>
    <plateCharBelieve>99,99,99,61,99,99,99</plateCharBelieve>
    <featurePicFileName>{CANARY}</featurePicFileName>
    <vehicleInfo><color>blue</color><vehicleLogoRecog>{CANARY}</vehicleLogoRecog></vehicleInfo>
    <pictureInfoList><pictureInfo><fileName>{CANARY}.jpg</fileName></pictureInfo></pictureInfoList>
    <originalLicensePlate>{CANARY}</originalLicensePlate>
  </ANPR>
  <UUID>{CANARY}</UUID><deviceUUID>{CANARY}</deviceUUID>
</EventNotificationAlert>""".encode()
GENETEC = f"""<?xml version="1.0" encoding="utf-8"?>
<AutoVu>
  <Plate>KT21ABC</Plate><State>GBR</State><UTCDate>2026:03:01</UTCDate><UTCTime>07:15:30.250</UTCTime>
  <CameraName>gate</CameraName><SourceName>{CANARY}</SourceName><UserName>{CANARY}</UserName>
  <ContextImage>{SCENE}</ContextImage><PlateImage>{PICTURE}</PlateImage>
  <LongitudeX>{CANARY}</LongitudeX><LatitudeY>{CANARY}</LatitudeY>
  <ConfidenceScore>87.5</ConfidenceScore><RelativeMotion>Closer</RelativeMotion><Guid>{CANARY}</Guid>
</AutoVu>""".encode()
BOF = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<n:sendCompoundCapture xmlns:n="urn:example">
  <signature>{CANARY}</signature><username>{CANARY}</username>
  <captures><vrm>KT21ABC</vrm><feedID>4</feedID><sourceID>2</sourceID><cameraID>9</cameraID>
    <captureDate>2026-03-01T07:15:30.250Z</captureDate><plateImage>{PICTURE}</plateImage>
    <overviewImage>{SCENE}</overviewImage><latitude>{CANARY}</latitude><cameraPan>{CANARY}</cameraPan>
    <confidencePercentage>87</confidencePercentage><motionTowardCamera>true</motionTowardCamera></captures>
</n:sendCompoundCapture></s:Body></s:Envelope>""".encode()
MILESTONE = f"""<?xml version="1.0" encoding="utf-8"?>
<AnalyticsEvent xmlns="urn:milestone-systems">
  <EventHeader><ID>{CANARY}</ID><Timestamp>2026-03-01T08:15:30.2500000+01:00</Timestamp><Type>LPR</Type>
    <CustomTag>GB</CustomTag><Source><Name>gate</Name><FQID><ObjectId>{CANARY}</ObjectId></FQID></Source>
  </EventHeader>
  <Description>{CANARY}</Description><Vendor><Name>{CANARY}</Name></Vendor>
  <ObjectList><Object><Value>KT21ABC</Value><Confidence>0.875</Confidence><Description>{CANARY}</Description>
    <BoundingBox><Top>{CANARY}</Top></BoundingBox></Object></ObjectList>
  <SnapshotList><Snapshot><Image>{SCENE}</Image></Snapshot></SnapshotList>
</AnalyticsEvent>""".encode()

JSON_SAMPLES: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "openalpr": OPENALPR,
    "platerecognizer": PLATERECOGNIZER,
    "axis": AXIS,
    "frigate": FRIGATE,
    "fastalpr": FASTALPR,
}
XML_SAMPLES = {"hikvision": HIKVISION_XML, "genetec": GENETEC, "bof": BOF, "milestone": MILESTONE}


def multipart(*parts: tuple[str, str, bytes], boundary: str = "----boundary") -> bytes:
    """A multipart/form-data body of parts, each with its name, type and content."""
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, kind, content in parts
    )
    return body + f"--{boundary}--\r\n".encode()


def hikvision_push(xml: bytes = HIKVISION_XML) -> bytes:
    """What the camera pushes: the alert, the plate's picture, the scene, and the driver."""
    return multipart(
        ("anpr.xml", "text/xml", xml),
        ("licensePlatePicture.jpg", "image/jpeg", jpeg()),
        (f"{CANARY}.jpg", "image/jpeg", jpeg() + CANARY.encode()),
        ("pilotPicture.jpg", "image/jpeg", jpeg() + CANARY.encode()),
    )


def samples() -> dict[str, bytes]:
    """One whole message of every format."""
    return (
        {name: json.dumps(content).encode() for name, content in JSON_SAMPLES.items()}
        | XML_SAMPLES
        | {"hikvision": hikvision_push()}
    )
