#include "edge/history/http_fetch.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <thread>

#include "edge/history/atomic_file.hpp"

namespace qtrader::history {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kLargestText = 1 << 20;

/// Where the bytes of one attempt go: a string, or a file descriptor.
struct Sink {
  CURL* handle = nullptr;
  std::string* text = nullptr;
  int fd = -1;
  bool resuming = false;
  int write_errno = 0;
  std::uint64_t received = 0;
};

long status_of(CURL* handle) {
  long code = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
  return code;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& sink = *static_cast<Sink*>(user);
  sink.received += size;
  const long status = status_of(sink.handle);
  if (status != 200 && status != 206) return size;  // an error page is not content
  if (sink.text != nullptr) {
    if (sink.text->size() + size > kLargestText) return 0;
    sink.text->append(data, size);
    return size;
  }
  if (sink.resuming && status == 200) {  // the server ignored the range and sends everything again
    sink.resuming = false;
    if (::ftruncate(sink.fd, 0) != 0) return sink.write_errno = errno, std::size_t{0};
  }
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = ::write(sink.fd, data + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sink.write_errno = errno, std::size_t{0};
    done += static_cast<std::size_t>(n);
  }
  return size;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& keep_going = *static_cast<std::function<bool()>*>(user);
  return keep_going && !keep_going() ? 1 : 0;
}

bool worth_retrying(CURLcode code, long status) {
  if (code == CURLE_OK) return status >= 500 || status == 408 || status == 429;
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct HttpFetch::Impl {
  HttpOptions options;
  std::function<bool()> keep_going;
  CURL* handle = nullptr;
  std::uint64_t received = 0;

  Impl(HttpOptions o, std::function<bool()> k) : options(o), keep_going(std::move(k)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (handle != nullptr) curl_easy_cleanup(handle);
  }

  bool wait(base::Duration duration) const;
  CURLcode perform(const std::string& url, Sink& sink, const std::string& range);
  Error failed(const std::string& url, CURLcode code, long status) const;
};

bool HttpFetch::Impl::wait(base::Duration duration) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(duration.ns);
  while (std::chrono::steady_clock::now() < until) {
    if (keep_going && !keep_going()) return false;
    const auto left = until - std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(100)));
  }
  return !keep_going || keep_going();
}

CURLcode HttpFetch::Impl::perform(const std::string& url, Sink& sink, const std::string& range) {
  sink.handle = handle;
  curl_easy_reset(handle);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, url.starts_with("http://") ? "http" : "https");
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "qtrader/0.1");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, 15L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                   std::max<long>(1, static_cast<long>(options.stall.ns / 1'000'000'000)));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &keep_going);
  if (!range.empty()) curl_easy_setopt(handle, CURLOPT_RANGE, range.c_str());
  const CURLcode code = curl_easy_perform(handle);
  received += sink.received;
  return code;
}

Error HttpFetch::Impl::failed(const std::string& url, CURLcode code, long status) const {
  if (code == CURLE_ABORTED_BY_CALLBACK) return {"history", Errc::Interrupted, url + ": stopped", true};
  const bool transient = worth_retrying(code, status);
  const std::string what = code != CURLE_OK ? curl_easy_strerror(code) : "HTTP status " + std::to_string(status);
  return {"history", transient ? Errc::Unavailable : Errc::Io,
          url + ": " + what + (transient ? ", after " + std::to_string(options.attempts) + " attempts" : ""),
          transient};
}

HttpFetch::HttpFetch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpFetch::HttpFetch(HttpFetch&&) noexcept = default;
HttpFetch& HttpFetch::operator=(HttpFetch&&) noexcept = default;
HttpFetch::~HttpFetch() = default;
std::uint64_t HttpFetch::bytes() const { return impl_->received; }

Result<HttpFetch> HttpFetch::create(HttpOptions options, std::function<bool()> keep_going) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  auto impl = std::make_unique<Impl>(options, std::move(keep_going));
  impl->handle = curl_easy_init();
  if (impl->handle == nullptr) return Error{"history", Errc::Unavailable, "the HTTP library could not be started"};
  return HttpFetch(std::move(impl));
}

Result<std::optional<std::string>> HttpFetch::text(const std::string& url) {
  base::Duration pause = impl_->options.backoff;
  for (int attempt = 1;; ++attempt) {
    std::string body;
    Sink sink;
    sink.text = &body;
    const CURLcode code = impl_->perform(url, sink, "");
    const long status = status_of(impl_->handle);
    if (code == CURLE_OK && status == 200) return std::optional<std::string>(std::move(body));
    if (code == CURLE_OK && status == 404) return std::optional<std::string>();
    if (!worth_retrying(code, status) || attempt >= impl_->options.attempts) return impl_->failed(url, code, status);
    if (!impl_->wait(pause)) return impl_->failed(url, CURLE_ABORTED_BY_CALLBACK, 0);
    pause = std::min(pause * 2, base::seconds(30));
  }
}

Result<bool> HttpFetch::file(const std::string& url, const std::filesystem::path& part) {
  base::Duration pause = impl_->options.backoff;
  for (int attempt = 1;; ++attempt) {
    const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return io_error(part, "create", errno);
    struct stat there{};
    const auto offset = ::fstat(fd, &there) == 0 ? static_cast<std::uint64_t>(there.st_size) : 0;
    Sink sink;
    sink.fd = fd;
    sink.resuming = offset > 0;
    const CURLcode code = impl_->perform(url, sink, offset > 0 ? std::to_string(offset) + "-" : "");
    const long status = status_of(impl_->handle);
    const bool synced = ::fsync(fd) == 0;
    const int sync_errno = errno;
    ::close(fd);
    if (sink.write_errno != 0 || !synced) {
      ::unlink(part.c_str());
      return io_error(part, "write", sink.write_errno != 0 ? sink.write_errno : sync_errno);
    }
    if (code == CURLE_OK && (status == 200 || status == 206)) return true;
    // 416: what we have is not the start of what is there now.
    if (status == 404 || status == 416) ::unlink(part.c_str());
    if (code == CURLE_OK && status == 404) return false;
    const bool again = worth_retrying(code, status) || status == 416;
    if (!again || attempt >= impl_->options.attempts) return impl_->failed(url, code, status);
    if (!impl_->wait(pause)) return impl_->failed(url, CURLE_ABORTED_BY_CALLBACK, 0);
    pause = std::min(pause * 2, base::seconds(30));
  }
}

}  // namespace qtrader::history
