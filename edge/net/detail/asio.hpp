// The room's one way to include Asio: compiled once, in asio.cpp, and only declared elsewhere. Every .cpp file that
// touches sockets includes this first, so that all of them agree on the macros.
#pragma once

#define BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_ASIO_NO_DEPRECATED
#define BOOST_ASIO_DISABLE_BOOST_COROUTINE

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace qtrader::net {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
}  // namespace qtrader::net
