// SPDX-License-Identifier: Apache-2.0
#include "executors/link/visit.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <variant>
#include <vector>

#include "executors/descriptor.hpp"
#include "tuner/json.hpp"
#include "tuner/json_document.hpp"
#include "tuner/value.hpp"

namespace tune::detail {
namespace {

namespace http = boost::beast::http;
using Answer = Hub::Answer;
using Upload = Hub::Upload;

constexpr auto kHandshake = std::chrono::seconds(5);
constexpr auto kHeadTime = std::chrono::seconds(10);
constexpr auto kPatience = std::chrono::seconds(20);
constexpr auto kLinger = std::chrono::seconds(2);
constexpr std::size_t kJoining = 64, kTransfers = 2048;
constexpr std::size_t kHeadLimit = 16 * 1024, kJoinLimit = 64 * 1024, kPiece = 256 * 1024, kPathLimit = 512;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// "a/b.c": pieces that no file system reads anything into.
bool is_path(std::string_view path) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (path.size() > kPathLimit) return false;
  for (;;) {
    const auto piece = path.substr(0, path.find('/'));
    if (piece.empty() || piece.front() == '.' || piece.find_first_not_of(letters) != std::string_view::npos)
      return false;
    if (piece.size() == path.size()) return true;
    path.remove_prefix(piece.size() + 1);
  }
}

const char* phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    case 507:
      return "Insufficient Storage";
    default:
      return status < 300 ? "Yes" : "No";
  }
}

Hub::Answer disk_trouble(int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return {full ? 507 : 500, full ? "the coordinator's disk is full"
                                 : std::string("the coordinator cannot write: ") + std::strerror(error)};
}

/// A file that comes in: gone with this, unless somebody renamed it.
struct Incoming {
  Hub::Upload upload;
  Descriptor file;
  Incoming(Hub::Upload what, Descriptor made) : upload(std::move(what)), file(std::move(made)) {}
  Incoming(const Incoming&) = delete;
  ~Incoming() { ::unlink(upload.file.c_str()); }
};
struct Outgoing {
  Descriptor file;
  std::uint64_t left = 0;
};

class Caller final : public Visit, public std::enable_shared_from_this<Caller> {
 public:
  Caller(Reception& reception, TlsSocket::Socket socket, const TlsContext& tls, std::string address)
      : reception_(reception),
        address_(std::move(address)),
        at_(reception.visits.insert(reception.visits.end(), this)),
        socket_(std::in_place, std::move(socket), tls, Tls::Role::server) {
    ++reception_.strangers;
    until_ = began_ + kHandshake;
  }
  ~Caller() override { leave(); }

  void begin() {
    socket_->async_handshake([self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->reception_.handler.turned_away(self->address_, "no handshake: " + self->reason(error));
      self->who_ = self->socket_->tls().peer();
      if (self->who_) self->recognised();
      self->read_head();
    });
  }

  bool is_stranger() const override { return !who_; }
  void cut() override {
    const auto frames = upgrading_.lock();
    frames ? frames->cut() : socket_->cut();
  }

 private:
  void leave() {
    if (left_) return;
    left_ = true;
    reception_.visits.erase(at_);
    reception_.strangers -= is_stranger();
  }
  void recognised() { --reception_.strangers; }
  std::string reason(error_code error) const {
    const auto& why = socket_->tls().why();
    return why.empty() ? error.message() : why;
  }

  void read_head() {
    until_ = Clock::now() + kHeadTime;
    parser_.header_limit(kHeadLimit);
    parser_.body_limit(boost::none);
    http::async_read_header(*socket_, buffer_, parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error == http::error::end_of_stream || (error && !self->parser_.got_some())) return;
      if (error) return self->answer({400, "this is no request"});
      self->route();
    });
  }

  void route() {
    const auto& head = parser_.get();
    const auto target = view(head.target());
    // No page of a browser has business here, whatever certificate the browser was talked into.
    if (head.count(http::field::origin)) return turn_away({403, "this port is for agents, not for browsers"});
    if (target == "/join" && head.method() == http::verb::post) return join();
    const bool bytes = target.starts_with("/bytes/");
    if (target != "/agent" && !bytes) return answer({404, "there is /join, /agent and /bytes/ here"});
    if (!who_) return turn_away({403, "this needs a certificate of this store's authority: join first"});
    if (const auto why = reception_.handler.refuse(who_->agent)) return turn_away({403, *why});
    if (who_->until <= std::time(nullptr)) return turn_away({403, "the agent's certificate has expired"});
    if (!bytes) return upgrade();
    path_ = target.substr(std::string_view("/bytes/").size());
    if (!is_path(path_)) return answer({404, "there can be no file of that name"});
    if (reception_.visits.size() - reception_.strangers > kTransfers)
      return answer({503, "too many transfers at once"});
    if (head.method() == http::verb::get) return give();
    if (head.method() == http::verb::put) return take();
    answer({400, "files are got and put"});
  }

  // --- /join
  void join() {
    const auto length = parser_.content_length();
    if (!length) return answer({411, "Content-Length is needed"});
    if (*length > kJoinLimit) return answer({413, "a request to join has 64 KiB at most"});
    if (reception_.joining >= kJoining) return answer({503, "many are joining; try again"});
    if (!reception_.wrong_tokens.has_one(Clock::now())) return answer({429, "too many wrong tokens; try again"});
    piece_.resize(kJoinLimit);
    read_piece([self = shared_from_this()](std::size_t n) {
      if (!self->parser_.is_done()) return self->answer({400, "this is no request to join"});
      ++self->reception_.joining;
      self->until_ = Clock::time_point::max();
      self->work([self, text = std::string(self->piece_.data(), n)] { return self->admit(text); },
                 [self](Result<std::string> made) {
                   --self->reception_.joining;
                   if (made) return self->answer(200, "application/json", *made);
                   const auto& error = made.error();
                   if (error.code == Error::Code::not_found) self->reception_.wrong_tokens.take();
                   const bool ours = error.code == Error::Code::io || error.code == Error::Code::corrupt;
                   self->turn_away({ours ? 500 : 403, error.message});
                 });
    });
  }

  /// On a thread for files.
  Result<std::string> admit(const std::string& text) const {
    const Error no{Error::Code::invalid, "this is no request to join", ""};
    bool sound = true;
    const auto root = parse_json(text, 0, [&](const JsonFault&) { sound = false; });
    if (!root || !sound || root->kind != JsonNode::Kind::object) return no;
    const auto member = [&](std::string_view key) -> std::string {
      const auto* const found = root->find(key);
      return found ? found->value.text : "";
    };
    AgentName agent{member("agent"), "", ""};
    if (!is_agent_word(agent.id)) return Error{Error::Code::invalid, "`agent` is no name", ""};
    const auto now = std::time(nullptr);
    // What is wrong with the request must not cost a use of the token.
    if (const auto good = reception_.authority.admit(member("csr"), agent, now + 60, now); !good) return good.error();
    const auto terms = reception_.tokens.redeem(member("token"), now);
    if (!terms) return terms.error();
    agent.group = terms->group, agent.allocation = terms->allocation;
    const auto certificate = reception_.authority.admit(member("csr"), agent, terms->until, now);
    if (!certificate) return certificate.error();
    std::string out;
    JsonWriter(out)
        .begin_object()
        .key("certificate")
        .value(*certificate)
        .key("authority")
        .value(reception_.authority.certificate())
        .end_object();
    return out;
  }

  // --- /agent
  void upgrade() {
    const auto& head = parser_.get();
    const auto offered = view(head[http::field::sec_websocket_protocol]);
    if (!offers_protocol(offered, kAgentProtocol))
      return turn_away({400, "this coordinator speaks " + std::string(kAgentProtocol) +
                                 " (tune " TUNE_VERSION "), and the agent " +
                                 (offered.empty() ? "names no version" : printable(offered.substr(0, 100)))});
    if (auto busy = reception_.busy(who_->agent)) return turn_away(std::move(*busy));
    if (buffer_.size() > 0) return answer({400, "an agent waits for its upgrade"});
    std::string text = "GET /agent HTTP/1.1\r\n";
    for (const auto& field : head)
      text.append(view(field.name_string())).append(": ").append(view(field.value())).append("\r\n");
    auto frames = std::make_shared<Frames>(std::move(*socket_));
    until_ = Clock::now() + kHandshake;
    upgrading_ = frames;
    frames->accept(text + "\r\n", [self = shared_from_this(), frames](bool ok) {
      self->upgrading_.reset();
      if (!ok) return self->reception_.handler.turned_away(self->address_, "no WebSocket");
      self->leave();
      self->reception_.adopt(frames, *self->who_);
    });
  }

  // --- /bytes
  void give() {
    until_ = Clock::time_point::max();
    work([self = shared_from_this()] { return self->open_outgoing(); },
         [self = shared_from_this()](std::variant<Outgoing, Answer> found) {
           if (auto* const no = std::get_if<Answer>(&found)) return self->answer(std::move(*no));
           self->outgoing_ = std::move(std::get<Outgoing>(found));
           self->piece_.resize(kPiece);
           self->out_ = head_of(200, "application/octet-stream", self->outgoing_.left);
           self->send_out([self] { self->give_more(); });
         });
  }
  std::variant<Outgoing, Answer> open_outgoing() {
    auto found = reception_.handler.fetch(who_->agent, path_);
    if (auto* const no = std::get_if<Answer>(&found)) return std::move(*no);
    Outgoing out;
    const auto& wanted = std::get<Hub::Download>(found);
    out.file.reset(::open(wanted.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!out.file || ::fstat(out.file.get(), &status) != 0 || !S_ISREG(status.st_mode))
      return Answer{404, "there is no such file"};
    const auto size = static_cast<std::uint64_t>(status.st_size), from = std::min(wanted.from, size);
    if (from > 0 && ::lseek(out.file.get(), static_cast<off_t>(from), SEEK_SET) < 0) return Answer{500, "the file cannot be read from there"};
    out.left = std::min(size - from, wanted.most);
    return out;
  }
  void give_more() {
    if (outgoing_.left == 0) return finish();
    until_ = Clock::time_point::max();
    work(
        [self = shared_from_this()] {
          const auto most = std::min<std::uint64_t>(self->piece_.size(), self->outgoing_.left);
          return ::read(self->outgoing_.file.get(), self->piece_.data(), most);
        },
        [self = shared_from_this()](ssize_t n) {
          if (n <= 0) return self->cut();  // It has become shorter; the agent sees that something is missing.
          self->outgoing_.left -= static_cast<std::uint64_t>(n);
          self->send(asio::buffer(self->piece_.data(), static_cast<std::size_t>(n)), [self] { self->give_more(); });
        });
  }

  void take() {
    const auto length = parser_.content_length();
    if (!length) return answer({411, "Content-Length is needed"});
    until_ = Clock::time_point::max();
    work([self = shared_from_this(), size = *length] { return self->open_incoming(size); },
         [self = shared_from_this()](std::variant<std::shared_ptr<Incoming>, Answer> found) {
           if (auto* const no = std::get_if<Answer>(&found)) return self->answer(std::move(*no));
           self->incoming_ = std::get<std::shared_ptr<Incoming>>(found);
           self->piece_.resize(kPiece);
           const auto& head = self->parser_.get();
           if (head[http::field::expect] != "100-continue") return self->take_more();
           self->out_ = "HTTP/1.1 100 Continue\r\n\r\n";
           self->send_out([self] { self->take_more(); });
         });
  }
  std::variant<std::shared_ptr<Incoming>, Answer> open_incoming(std::uint64_t length) {
    auto found = reception_.handler.store(who_->agent, path_, length);
    if (auto* const no = std::get_if<Answer>(&found)) return std::move(*no);
    auto& upload = std::get<Upload>(found);
    Descriptor made(::open(upload.file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!made) return disk_trouble(errno);
    // Space that is not there is told before the bytes have come. Where the file system cannot say, it shows as they
    // are written.
    if (length > 0 && ::fallocate(made.get(), 0, 0, static_cast<off_t>(length)) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
      const auto full = disk_trouble(errno);
      ::unlink(upload.file.c_str());
      return full;
    }
    return std::make_shared<Incoming>(std::move(upload), std::move(made));
  }
  void take_more() {
    if (parser_.is_done()) return taken();
    read_piece([self = shared_from_this()](std::size_t n) {
      self->until_ = Clock::time_point::max();
      self->work([self, n] { return self->keep(n); },
                 [self](int error) {
                   if (error == 0) return self->take_more();
                   self->abandon();
                   self->answer(disk_trouble(error));
                 });
    });
  }
  /// What came so far goes, on a thread for files.
  void abandon() {
    asio::post(reception_.workers, [gone = std::move(incoming_)] {});
  }
  int keep(std::size_t size) const {
    for (std::size_t done = 0; done < size;) {
      const auto n = ::write(incoming_->file.get(), piece_.data() + done, size - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return n < 0 ? errno : EIO;
      done += static_cast<std::size_t>(n);
    }
    return 0;
  }
  void taken() {
    until_ = Clock::time_point::max();
    work(
        [self = shared_from_this()] {
          self->incoming_->file.reset();
          auto said = self->incoming_->upload.whole();
          self->incoming_.reset();
          return said;
        },
        [self = shared_from_this()](Answer said) { self->answer(std::move(said)); });
  }

  // --- what all of them do
  /// `slow` on a thread for files, then what it gave on the network thread. A visit must end there: what `slow` holds
  /// of it is let go before `then` can let go of the rest.
  template <class Slow, class Then>
  void work(Slow slow, Then then) {
    asio::post(reception_.workers, [this, slow = std::move(slow), then = std::move(then)]() mutable {
      auto given = [&] {
        const auto once = std::move(slow);
        return once();
      }();
      asio::post(reception_.context,
                 [then = std::move(then), given = std::move(given)]() mutable { then(std::move(given)); });
    });
  }

  /// The next bytes of the body, in piece_; nothing more happens if they do not come.
  template <class Then>
  void read_piece(Then then) {
    auto& body = parser_.get().body();
    body.data = piece_.data(), body.size = piece_.size();
    until_ = Clock::now() + kPatience;
    if (parser_.is_done()) return then(std::size_t{0});
    http::async_read(*socket_, buffer_, parser_, [self = shared_from_this(), then](error_code error, std::size_t) {
      if (error && error != http::error::need_buffer) return self->abandon();
      then(self->piece_.size() - self->parser_.get().body().size);
    });
  }

  template <class Then>
  void send(asio::const_buffer bytes, Then then) {
    if (bytes.size() == 0) return then();
    until_ = Clock::now() + kPatience;
    socket_->async_write_some(bytes, [self = shared_from_this(), bytes, then](error_code error, std::size_t n) {
      if (!error) self->send(bytes + n, then);
    });
  }
  template <class Then>
  void send_out(Then then) {
    send(asio::buffer(out_), std::move(then));
  }

  static std::string head_of(int status, std::string_view type, std::uint64_t length) {
    return "HTTP/1.1 " + std::to_string(status) + " " + phrase(status) + "\r\nContent-Type: " + std::string(type) +
           "\r\nContent-Length: " + std::to_string(length) + "\r\nConnection: close\r\n\r\n";
  }
  void answer(int status, std::string_view type, const std::string& text) {
    out_ = head_of(status, type, text.size()) + text;
    send_out([self = shared_from_this()] { self->finish(); });
  }
  void answer(const Answer& said) { answer(said.status, "text/plain; charset=utf-8", said.text); }
  void turn_away(const Answer& said) {
    reception_.handler.turned_away(address_ + (who_ ? ", agent " + who_->agent.id : ""), said.text);
    answer(said);
  }

  /// What the peer still sends is taken and forgotten: closing with unread bytes would reset the connection, and the
  /// answer could be lost on its way.
  void finish() {
    until_ = Clock::now() + kLinger;
    socket_->finish();
    piece_.resize(std::max<std::size_t>(piece_.size(), kHeadLimit));
    drain();
  }
  void drain() {
    socket_->discard_some(asio::buffer(piece_), [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->drain();
    });
  }

  Reception& reception_;
  const std::string address_;
  std::list<Visit*>::iterator at_;
  bool left_ = false;
  std::optional<TlsSocket> socket_;  ///< Until it is upgraded.
  std::optional<AgentCertificate> who_;
  boost::beast::flat_buffer buffer_{kHeadLimit + kPiece};
  http::request_parser<http::buffer_body> parser_;
  std::weak_ptr<Frames> upgrading_;
  std::string path_, out_;
  std::vector<char> piece_;
  Outgoing outgoing_;
  std::shared_ptr<Incoming> incoming_;
};

}  // namespace

void begin_visit(Reception& reception, TlsSocket::Socket socket, const TlsContext& tls, const std::string& address) {
  std::make_shared<Caller>(reception, std::move(socket), tls, address)->begin();
}

}  // namespace tune::detail
