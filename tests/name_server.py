"""A name server on this machine that knows TXT records, over the real protocol."""

import socketserver
import threading

import dns.message
import dns.rcode
import dns.rrset


class NameServer:
    """Answers what `records` holds, by name; what it does not hold does not exist. `address` is host and port."""

    def __init__(self) -> None:
        records: dict[str, str] = {}

        class Asked(socketserver.DatagramRequestHandler):
            def handle(self) -> None:
                self.wfile.write(_answer(self.rfile.read(), records))

        self.records = records
        self._server = socketserver.UDPServer(("127.0.0.1", 0), Asked)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _answer(asked: bytes, records: dict[str, str]) -> bytes:
    question = dns.message.from_wire(asked)
    answer = dns.message.make_response(question)
    name = question.question[0].name
    value = records.get(str(name).rstrip("."))
    if value is None:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    else:
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", '"other=1"', f'"{value}"'))
    return answer.to_wire()
