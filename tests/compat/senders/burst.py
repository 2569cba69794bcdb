# SPDX-License-Identifier: GPL-2.0-or-later
# Bursts from asyncio's datagram endpoints: burst.py ADDRESS PORT MODE FLOWS DATAGRAMS. Modes: connected, unconnected,
# many (all endpoints at once). Prints answered=N.
import asyncio
import struct
import sys

address, port, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
flows, datagrams = int(sys.argv[4]), int(sys.argv[5])


class Talk(asyncio.DatagramProtocol):
    def __init__(self):
        self.answered = 0
        self.complete = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, peer):
        self.answered += 1
        if self.answered == datagrams:
            self.complete.set_result(None)


async def talk(flow):
    loop = asyncio.get_running_loop()
    if mode == "connected":
        transport, protocol = await loop.create_datagram_endpoint(Talk, remote_addr=(address, port))
    else:
        transport, protocol = await loop.create_datagram_endpoint(Talk, local_addr=("0.0.0.0", 0))
    for index in range(datagrams):
        # The lab's mark: "ctgt", which flow, which datagram of it.
        transport.sendto(struct.pack("!4sII", b"ctgt", flow, index), None if mode == "connected" else (address, port))
    try:
        await asyncio.wait_for(protocol.complete, 1)
    except asyncio.TimeoutError:
        pass
    transport.close()
    return protocol.answered


async def main():
    if mode == "many":
        answers = await asyncio.gather(*(talk(flow) for flow in range(flows)))
    else:
        answers = [await talk(flow) for flow in range(flows)]
    print(f"answered={sum(answers)}")


asyncio.run(main())
