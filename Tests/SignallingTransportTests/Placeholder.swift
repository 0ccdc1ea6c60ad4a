import NIOCore
import NIOSSL
import NIOHTTP1
import NIOWebSocket
import NIOTLS
import NIOPosix
import X509
