// SPDX-License-Identifier: Apache-2.0
#include "executors/link/line.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <thread>
#include <vector>

#include "executors/descriptor.hpp"
#include "executors/link/frames.hpp"
#include "executors/link/request.hpp"
#include "executors/no_signals.hpp"
#include "tuner/json.hpp"
#include "tuner/json_document.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

using namespace detail;
using Milliseconds = std::chrono::milliseconds;
using Resolver = asio::ip::basic_resolver<asio::ip::tcp, asio::io_context::executor_type>;

constexpr auto kDialTime = std::chrono::seconds(20);
constexpr auto kLasted = std::chrono::seconds(5);
constexpr double kFirstDelay = 0.2, kLastDelay = 15;  // Seconds.
constexpr std::size_t kPiece = 256 * 1024;

/// From [0, 1).
double chance() {
  std::uint32_t bits = 0;
  TUNE_ASSERT(::getrandom(&bits, sizeof bits, 0) == sizeof bits);
  return bits / 4294967296.0;
}

Error disk(const std::string& doing, const std::string& path) {
  return {Error::Code::io, "cannot " + doing + " " + printable(path) + ": " + std::strerror(errno), ""};
}

/// What a coordinator that does not want to answers.
Error no(int status, const std::string& text) {
  const auto code = status == 404   ? Error::Code::not_found
                    : status == 409 ? Error::Code::conflict
                                    : Error::Code::invalid;
  return {code, "the coordinator says: " + printable(text), ""};
}
Error refusal(detail::Request& request, const detail::AnswerHead& head) {
  const auto text = request.receive_text(head);
  return no(head.status, text ? *text : "no (" + std::to_string(head.status) + ")");
}

Result<Credentials> credentials_of(const std::string& text, const std::string& key, const std::string& authority) {
  bool sound = true;
  const auto root = parse_json(text, 0, [&](const JsonFault&) { sound = false; });
  const auto* const certificate =
      root && sound && root->kind == JsonNode::Kind::object ? root->find("certificate") : nullptr;
  Credentials made{certificate ? certificate->value.text : "", key, authority};
  if (const auto good = detail::agent_context(made); !good) return good.error();
  return made;
}

/// One try. `again`: it may go better soon, since others join at the same time.
Result<Credentials> try_to_join(const JoinFile& file, const HostAndPort& at, const std::string& body,
                                const std::string& key, bool& again) {
  const auto stranger = detail::stranger_context();
  if (!stranger) return stranger.error();
  auto request = detail::Request::open(at, *stranger, "");
  if (!request) return request.error();
  const auto authority = detail::proven_authority(request->tls(), file.fingerprint, at.host);
  if (!authority) return authority.error();
  const auto sent = request->send(
      "POST /join HTTP/1.1\r\nHost: " + file.address +
      "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  if (!sent) return sent.error();
  const auto head = request->receive_head();
  if (!head) return head.error();
  again = head->status == 429 || head->status == 503;
  if (head->status != 200) return refusal(*request, *head);
  const auto text = request->receive_text(*head);
  if (!text) return text.error();
  return credentials_of(*text, key, *authority);
}

}  // namespace

Result<Credentials> join(const JoinFile& file, const std::string& agent) {
  const auto at = split_address(file.address);
  if (!at) return at.error();
  const auto wish = make_request();
  if (!wish) return wish.error();
  std::string body;
  JsonWriter(body)
      .begin_object()
      .key("token")
      .value(file.token)
      .key("csr")
      .value(wish->csr)
      .key("agent")
      .value(agent)
      .end_object();
  for (const auto until = Clock::now() + std::chrono::minutes(1);;) {
    bool again = false;
    auto joined = try_to_join(file, *at, body, wish->key, again);
    if (joined || !again || Clock::now() > until) return joined;
    std::this_thread::sleep_for(std::chrono::duration<double>(2 * chance()));
  }
}

class LineThread::Inside {
 public:
  Inside() : work_(context.get_executor()) {
    const NoSignals quiet;
    thread_ = std::thread([this] { context.run(); });
  }
  ~Inside() {
    context.stop();
    thread_.join();
  }
  asio::io_context context{1};

 private:
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

LineThread::LineThread() : inside_(std::make_unique<Inside>()) {}
LineThread::~LineThread() = default;

/// On the line's thread, but for what says otherwise. What is under way holds it.
class Line::Inside : public std::enable_shared_from_this<Inside> {
 public:
  Inside(asio::io_context& context, std::string protocol, Callbacks callbacks, HostAndPort at, detail::TlsContext tls)
      : protocol_(std::move(protocol)),
        callbacks_(std::move(callbacks)),
        at_(std::move(at)),
        tls_(std::move(tls)),
        context_(context),
        resolver_(context_),
        again_(context_),
        beat_(context_) {}

  // --- any thread
  void start() {
    asio::post(context_, [self = shared_from_this()] { self->dial(); });
  }
  void send(Opening opening, std::string message) {
    asio::post(context_, [self = shared_from_this(), opening, message = std::move(message)]() mutable {
      if (opening == self->opening_ && self->is_open_) self->frames_->send(std::move(message));
    });
  }
  void reconnect_now() {
    asio::post(context_, [self = shared_from_this()] {
      if (self->stopped_) return;
      self->failures_ = 0;
      self->hang_up("we dial anew", false);
      self->dial();
    });
  }
  void stop() {
    if (stopping_.exchange(true)) return;
    std::promise<void> done;
    asio::post(context_, [this, &done] {
      stopped_ = true;
      callbacks_ = {};
      give_up();
      beat_.cancel();
      done.set_value();
    });
    done.get_future().wait();
  }
  Result<Done> fetch(const std::string& path, const std::string& to);
  Result<Done> store(const std::string& from, const std::string& path);

 private:
  // --- A try to open is known by its number: what comes of an older one is nothing to us.
  void dial();
  void connect(std::uint64_t attempt, const std::vector<asio::ip::tcp::endpoint>&);
  void shake_hands(std::uint64_t attempt, std::shared_ptr<TlsSocket>);
  void ask(std::uint64_t attempt, std::shared_ptr<TlsSocket>);
  void opened();
  void hang_up(const std::string& why, bool refused);
  void failed(std::uint64_t attempt, const std::string& why, bool refused = false);
  void give_up();
  void later();
  void watch();
  bool is_old(std::uint64_t attempt) const { return stopped_ || attempt != attempt_; }

  const std::string protocol_;
  Callbacks callbacks_;
  const HostAndPort at_;
  const detail::TlsContext tls_;
  asio::io_context& context_;
  Resolver resolver_;
  asio::steady_timer again_, beat_;
  std::shared_ptr<TlsSocket::Socket> connecting_;
  std::shared_ptr<TlsSocket> shaking_;
  std::shared_ptr<Frames> frames_;
  Clock::time_point began_{};  ///< The try, or the opening.
  std::uint64_t attempt_ = 0;
  Opening opening_ = 0;
  int failures_ = 0;
  bool is_open_ = false, dialling_ = false, stopped_ = false;
  std::atomic<bool> stopping_ = false;
};

void Line::Inside::dial() {
  if (stopped_) return;
  give_up();
  const auto attempt = ++attempt_;
  dialling_ = true;
  began_ = Clock::now();
  watch();
  error_code error;
  const auto address = asio::ip::make_address(at_.host, error);
  if (!error) return connect(attempt, {{address, at_.port}});
  resolver_.async_resolve(at_.host, std::to_string(at_.port),
                          [self = shared_from_this(), attempt](error_code unknown, Resolver::results_type found) {
                            if (self->is_old(attempt)) return;
                            if (unknown)
                              return self->failed(attempt, "cannot find " + self->at_.host + ": " + unknown.message());
                            self->connect(attempt, {found.begin(), found.end()});
                          });
}

void Line::Inside::connect(std::uint64_t attempt, const std::vector<asio::ip::tcp::endpoint>& to) {
  connecting_ = std::make_shared<TlsSocket::Socket>(context_.get_executor());
  const auto all = std::make_shared<const std::vector<asio::ip::tcp::endpoint>>(to);
  asio::async_connect(
      *connecting_, *all,
      [self = shared_from_this(), attempt, all, socket = connecting_](error_code error, const auto&) {
        if (self->is_old(attempt)) return;
        if (error) return self->failed(attempt, "cannot reach " + join_address(self->at_) + ": " + error.message());
        ::fcntl(socket->native_handle(), F_SETFD, FD_CLOEXEC);
        error_code ignored;
        socket->set_option(asio::ip::tcp::no_delay(true), ignored);
        self->shake_hands(attempt, std::make_shared<TlsSocket>(std::move(*socket), self->tls_,
                                                               detail::Tls::Role::client, self->at_.host));
      });
}

void Line::Inside::shake_hands(std::uint64_t attempt, std::shared_ptr<TlsSocket> socket) {
  shaking_ = socket;
  socket->async_handshake([self = shared_from_this(), attempt, socket](error_code error, std::size_t) {
    if (self->is_old(attempt)) return;
    if (error) return self->failed(attempt, socket->tls().why().empty() ? error.message() : socket->tls().why());
    self->ask(attempt, socket);
  });
}

void Line::Inside::ask(std::uint64_t attempt, std::shared_ptr<TlsSocket> socket) {
  frames_ = std::make_shared<Frames>(std::move(*socket));
  frames_->request(join_address(at_), protocol_,
                   [self = shared_from_this(), attempt](const std::string& why, bool refused) {
                     if (self->is_old(attempt)) return;
                     if (!why.empty()) return self->failed(attempt, why, refused);
                     self->opened();
                   });
}

void Line::Inside::opened() {
  dialling_ = false, is_open_ = true;
  began_ = Clock::now();
  const auto opening = ++opening_;
  if (callbacks_.opened) callbacks_.opened(opening);
  const auto attempt = attempt_;
  const std::weak_ptr<Inside> weak = weak_from_this();  // The frames are ours: they must not hold us.
  frames_->begin(
      [weak, opening](std::string_view message) {
        if (const auto self = weak.lock(); self && self->callbacks_.received)
          self->callbacks_.received(opening, message);
      },
      [weak, attempt](const std::string& why) {
        if (const auto self = weak.lock()) self->failed(attempt, why);
      });
}

/// Lets go of what is open or under way.
void Line::Inside::give_up() {
  ++attempt_;
  dialling_ = is_open_ = false;
  resolver_.cancel();
  again_.cancel();
  error_code ignored;
  if (connecting_) connecting_->close(ignored);
  if (shaking_) shaking_->cut();
  if (frames_) frames_->cut();
  connecting_.reset(), shaking_.reset(), frames_.reset();
}

void Line::Inside::hang_up(const std::string& why, bool refused) {
  const Opening told = is_open_ ? opening_ : 0;
  const bool tell = is_open_ || dialling_;
  if (is_open_ && Clock::now() - began_ > kLasted) failures_ = 0;
  give_up();
  if (tell && callbacks_.closed) callbacks_.closed(told, why, refused);
}

void Line::Inside::failed(std::uint64_t attempt, const std::string& why, bool refused) {
  if (is_old(attempt)) return;
  hang_up(why, refused);
  if (!stopped_) later();
}

void Line::Inside::later() {
  const double most =
      std::min(kLastDelay, kFirstDelay * static_cast<double>(std::uint64_t{1} << std::min(failures_, 16)));
  ++failures_;
  again_.expires_after(Milliseconds(static_cast<std::int64_t>(1000 * most * chance())));
  again_.async_wait([self = shared_from_this()](error_code error) {
    if (!error && !self->dialling_ && !self->is_open_) self->dial();
  });
}

/// Once a second while there is something: a dial that takes too long, a peer that takes nothing.
void Line::Inside::watch() {
  beat_.expires_after(std::chrono::seconds(1));
  beat_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->stopped_ || (!self->dialling_ && !self->is_open_)) return;
    const auto now = Clock::now();
    if (self->dialling_ && now - self->began_ > kDialTime)
      return self->failed(self->attempt_, "no answer for 20 seconds");
    if (self->is_open_)
      if (const auto why = self->frames_->trouble(now); !why.empty()) return self->failed(self->attempt_, why);
    self->watch();
  });
}

Result<Done> Line::Inside::fetch(const std::string& path, const std::string& to) {
  auto request = detail::Request::open(at_, tls_, at_.host, &stopping_);
  if (!request) return request.error();
  const auto sent = request->send("GET /bytes/" + path + " HTTP/1.1\r\nHost: " + join_address(at_) + "\r\n\r\n");
  if (!sent) return sent.error();
  const auto head = request->receive_head();
  if (!head) return head.error();
  if (head->status != 200) return refusal(*request, *head);
  Descriptor file(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return disk("create", to);
  const auto receive_all = [&]() -> Result<Done> {
    std::vector<char> piece(kPiece);
    for (auto left = head->length; left > 0;) {
      const auto n = request->receive(piece.data(), std::min<std::uint64_t>(piece.size(), left));
      if (!n) return n.error();
      for (std::size_t done = 0; done < *n;) {
        const auto written = ::write(file.get(), piece.data() + done, *n - done);
        if (written < 0 && errno != EINTR) return disk("write", to);
        done += static_cast<std::size_t>(std::max<ssize_t>(written, 0));
      }
      left -= *n;
    }
    return Done{};
  };
  auto received = receive_all();
  if (!received) ::unlink(to.c_str());
  return received;
}

Result<Done> Line::Inside::store(const std::string& from, const std::string& path) {
  const Descriptor file(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return disk("read", from);
  auto request = detail::Request::open(at_, tls_, at_.host, &stopping_);
  if (!request) return request.error();
  // The coordinator is asked before the bytes are sent: what it does not want need not travel.
  const auto sent =
      request->send("PUT /bytes/" + path + " HTTP/1.1\r\nHost: " + join_address(at_) +
                    "\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(status.st_size) + "\r\n\r\n");
  if (!sent) return sent.error();
  auto head = request->receive_head();
  std::vector<char> piece(kPiece);
  for (auto left = status.st_size; head && head->status == 100 && left > 0 && !request->is_answered();) {
    const auto n =
        ::read(file.get(), piece.data(), std::min<std::size_t>(piece.size(), static_cast<std::size_t>(left)));
    if (n < 0) return disk("read", from);
    if (n == 0) return Error{Error::Code::io, printable(from) + " became shorter while it was sent", ""};
    if (!request->send({piece.data(), static_cast<std::size_t>(n)})) break;  // It may have said why.
    left -= n;
  }
  if (head && head->status == 100) head = request->receive_head();
  if (!head) return head.error();
  if (head->status < 200 || head->status > 299) return refusal(*request, *head);
  return Done{};
}

Result<std::unique_ptr<Line>> Line::open(Settings settings, Callbacks callbacks) {
  auto at = split_address(settings.address);
  if (!at) return at.error();
  auto tls = detail::agent_context(settings.credentials);
  if (!tls) return tls.error();
  if (!settings.thread) settings.thread = std::make_shared<LineThread>();
  auto inside = std::make_shared<Inside>(settings.thread->inside().context, settings.protocol, std::move(callbacks),
                                         std::move(*at), std::move(*tls));
  inside->start();
  return std::unique_ptr<Line>(new Line(std::move(settings.thread), std::move(inside)));
}

Line::Line(std::shared_ptr<LineThread> thread, std::shared_ptr<Inside> inside)
    : thread_(std::move(thread)), inside_(std::move(inside)) {}
Line::~Line() { inside_->stop(); }

void Line::send(Opening opening, std::string message) { inside_->send(opening, std::move(message)); }
void Line::reconnect_now() { inside_->reconnect_now(); }
void Line::stop() { inside_->stop(); }
Result<Done> Line::fetch(const std::string& path, const std::string& to_file) { return inside_->fetch(path, to_file); }
Result<Done> Line::store(const std::string& from_file, const std::string& path) {
  return inside_->store(from_file, path);
}

}  // namespace tune
