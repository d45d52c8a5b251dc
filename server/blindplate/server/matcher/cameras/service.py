"""The Cameras service: signs of life in, what was seen of them out to the operator. Translates only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import grpc

from blindplate.edge.clock import Clock
from blindplate.server.authorization import Access, Role, caller
from blindplate.server.limits import Rate, RateLimiter
from blindplate.server.matcher.cameras.watching import CameraWatch, registered
from blindplate.server.matcher.following import FollowedLedger
from blindplate.server.serving import Service
from blindplate.v1 import cameras_pb2 as v1
from blindplate.v1 import cameras_pb2_grpc as rpc

ACCESS: Final[Access] = {
    "/blindplate.v1.Cameras/Beat": frozenset({Role.CAMERA}),
    "/blindplate.v1.Cameras/Seen": frozenset({Role.OPERATOR}),
}
# A camera that is restarted again and again still comes through; one that floods does not.
_RATE: Final = Rate(0.1, 30)


@dataclass(frozen=True, slots=True)
class CamerasServicer(rpc.CamerasServicer):
    """For the cameras that registers in force name."""

    watch: CameraWatch
    ledger: FollowedLedger
    limiter: RateLimiter
    clock: Clock

    def service(self) -> Service:
        """How it is added to a server."""
        return Service(lambda server: rpc.add_CamerasServicer_to_server(self, server), ACCESS)

    def Beat(self, request: v1.BeatRequest, context: grpc.ServicerContext) -> v1.BeatResponse:  # noqa: N802  gRPC's name
        """Take a sign of life."""
        del context
        camera = caller()
        self.limiter.take(camera.spiffe_id, 1, _RATE)
        self.watch.beat(camera.spiffe_id, request.seconds, request.passes)
        return v1.BeatResponse()

    def Seen(self, request: v1.SeenRequest, context: grpc.ServicerContext) -> v1.SeenResponse:  # noqa: N802  gRPC's name
        """What is known of every camera that a register in force names."""
        del request, context
        seen = self.watch.seen()
        found: list[v1.SeenCamera] = []
        for identity, (name, zone) in sorted(registered(self.ledger.current, self.clock.now()).items()):
            one = seen.get(identity)
            read, usual = self.watch.rates(identity)
            found.append(
                v1.SeenCamera(
                    camera_id=name,
                    identity=identity,
                    zone=zone,
                    seen_at=one.seen_at if one else 0.0,
                    alarm=one.alarm.value if one else "none",
                    since=one.since if one else 0.0,
                    passes_per_hour=-1.0 if read is None else read,
                    usual_per_hour=-1.0 if usual is None else usual,
                )
            )
        return v1.SeenResponse(cameras=found)
