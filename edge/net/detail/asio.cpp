// The bodies of Asio and of its TLS streams, compiled once for the room.
#include "edge/net/detail/asio.hpp"

#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
