// SPDX-License-Identifier: Apache-2.0
#include "ui/server/authority.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "tuner/value.hpp"
#include "ui/server/host_name.hpp"
#include "ui/server/secret_file.hpp"

namespace tune {
namespace {

constexpr std::size_t kFileLimit = 1024 * 1024;
constexpr std::time_t kDay = 24 * 60 * 60;
constexpr std::time_t kSlack = 5 * 60;  // Clocks of other machines may be behind.
constexpr std::time_t kAuthorityLife = 3650 * kDay, kServerLife = 7 * kDay, kMargin = 30 * kDay;

template <auto free>
struct Freed {
  template <class T>
  void operator()(T* t) const {
    free(t);
  }
};
using Bytes = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

/// Why OpenSSL said no; what it kept of it is forgotten.
std::string reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text ? text : "no reason given";
}

Error not_made(const std::string& what) { return {Error::Code::io, "OpenSSL cannot make " + what + ": " + reason(), ""}; }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}
std::string pem(X509* certificate) {
  const Bytes out(BIO_new(BIO_s_mem()));
  return PEM_write_bio_X509(out.get(), certificate) == 1 ? text_of(out.get()) : "";
}
std::string pem(EVP_PKEY* key) {
  const Bytes out(BIO_new(BIO_s_mem()));
  const bool written = PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  return written ? text_of(out.get()) : "";
}

int no_passphrase(char*, int, int, void*) { return 0; }  // OpenSSL would ask on the terminal.

Certificate first_certificate(const std::string& text) {
  const Bytes in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  return Certificate(PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr));
}
Key first_key(const std::string& text) {
  const Bytes in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  return Key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
}

std::string fingerprint_of(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1) return "";
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    if (i) text += ':';
    text += "0123456789ABCDEF"[digest[i] >> 4];
    text += "0123456789ABCDEF"[digest[i] & 15];
  }
  return text;
}

/// All that a certificate has before it is signed, but for what it may be used for.
Certificate blank(EVP_PKEY* key, const std::string& name, std::time_t now, std::time_t life) {
  Certificate made(X509_new());
  const std::unique_ptr<BIGNUM, Freed<BN_free>> serial(BN_new());
  if (!made || !serial || BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1) return nullptr;
  X509_NAME* const subject = X509_get_subject_name(made.get());
  const auto add = [&](const char* field, const std::string& value) {
    return X509_NAME_add_entry_by_txt(subject, field, MBSTRING_ASC, reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  const bool whole = X509_set_version(made.get(), 2) == 1 && BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(made.get())) &&
                     X509_time_adj_ex(X509_getm_notBefore(made.get()), 0, -kSlack, &now) &&
                     X509_time_adj_ex(X509_getm_notAfter(made.get()), 0, static_cast<long>(life), &now) && add("O", "tune") &&
                     add("CN", name) && X509_set_pubkey(made.get(), key) == 1;
  return whole ? std::move(made) : nullptr;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> made(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  return made && X509_add_ext(certificate, made.get(), -1) == 1;
}

/// Built piece by piece: as text, a name could pass for several.
bool add_names(X509* certificate, const std::vector<std::string>& names) {
  const Names all(GENERAL_NAMES_new());
  for (const auto& name : names) {
    std::unique_ptr<GENERAL_NAME, Freed<GENERAL_NAME_free>> one(GENERAL_NAME_new());
    if (!one) return false;
    if (is_address(name)) {
      ASN1_OCTET_STRING* const address = a2i_IPADDRESS(name.c_str());
      if (!address) return false;
      GENERAL_NAME_set0_value(one.get(), GEN_IPADD, address);
    } else {
      ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
      if (!text) return false;
      GENERAL_NAME_set0_value(one.get(), GEN_DNS, text);
      if (ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) != 1) return false;
    }
    if (sk_GENERAL_NAME_push(all.get(), one.get()) == 0) return false;
    one.release();
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, all.get(), 0, 0) == 1;
}

std::string address_text(const unsigned char* data, std::size_t size) {
  char text[INET6_ADDRSTRLEN];
  const bool known = size == 4 || size == 16;
  return known && ::inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text, sizeof text) ? text : "";
}

/// What it vouches for. Names that no URL could have are left out.
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const Names all(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int kind = 0;
    const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &kind));
    if (kind != GEN_DNS && kind != GEN_IPADD) continue;
    const auto* data = ASN1_STRING_get0_data(value);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
    std::string text(reinterpret_cast<const char*>(data), size);
    if (kind == GEN_IPADD) text = address_text(data, size);
    const bool wild = kind == GEN_DNS && text.starts_with("*.");
    if (const auto name = host_name(std::string_view(text).substr(wild ? 2 : 0)))
      if (is_address(*name) == (kind == GEN_IPADD)) names.push_back((wild ? "*." : "") + *name);
  }
  return names;
}

struct Pair {
  Certificate certificate;
  Key key;
};

/// What tells one from another in a list of trusted authorities.
std::string authority_name(EVP_PKEY* key) {
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(key, &bytes);
  std::uint32_t sum = 2166136261u;  // FNV-1a
  for (int i = 0; i < size; ++i) sum = (sum ^ bytes[i]) * 16777619u;
  OPENSSL_free(bytes);
  std::string text = "authority ";
  for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[(sum >> shift) & 15];
  return text;
}

Result<Pair> make_authority(std::time_t now) {
  Pair made;
  made.key.reset(EVP_EC_gen("P-256"));
  if (made.key) made.certificate = blank(made.key.get(), authority_name(made.key.get()), now, kAuthorityLife);
  X509* const it = made.certificate.get();
  const bool whole = it && X509_set_issuer_name(it, X509_get_subject_name(it)) == 1 &&
                     add_extension(it, it, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                     add_extension(it, it, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                     add_extension(it, it, NID_subject_key_identifier, "hash") && X509_sign(it, made.key.get(), EVP_sha256()) > 0;
  if (!whole) return not_made("an authority");
  return made;
}

/// nullopt: there is none, or one that ends soon.
Result<std::optional<Pair>> read_authority(const std::string& path, std::time_t now) {
  auto text = read_secret(path, kFileLimit);
  if (!text) return text.error();
  if (!*text) return std::optional<Pair>{};
  Pair found{first_certificate(**text), first_key(**text)};
  const bool whole = found.certificate && found.key && X509_check_private_key(found.certificate.get(), found.key.get()) == 1 &&
                     X509_check_ca(found.certificate.get()) == 1;
  ERR_clear_error();
  if (!whole) return Error{Error::Code::corrupt, printable(path) + " does not hold a certificate authority", "remove it; a new one is made"};
  if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(found.certificate.get()), now + kMargin) < 0) return std::optional<Pair>{};
  return std::optional{std::move(found)};
}

Error unreadable(const std::string& what, const std::string& path, const std::string& why) {
  return {Error::Code::invalid, "cannot use " + printable(path) + " as a " + what + ": " + why, ""};
}

/// A file that is given, which others may have put there: through links, but no secret that is none.
Result<std::string> read_given(const std::string& path, const std::string& what, bool secret) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return unreadable(what, path, std::strerror(errno));
  struct stat status {};
  std::string text(kFileLimit, '\0');
  const bool known = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  const ssize_t n = known ? ::read(file, text.data(), text.size()) : -1;
  ::close(file);
  if (n < 0) return unreadable(what, path, known ? std::strerror(errno) : "it is no file");
  const bool of_root = status.st_uid == 0 && ::geteuid() != 0;
  if (secret && ((!of_root && status.st_uid != ::geteuid()) || (status.st_mode & (of_root ? 027 : 077)) != 0)) {
    auto open_to_all = unreadable(what, path, "others may read or own it");
    open_to_all.hint = "chmod 600 " + printable(path);
    return open_to_all;
  }
  text.resize(static_cast<std::size_t>(n));
  return text;
}

std::string day_of(const ASN1_TIME* time) {
  tm parts{};
  char text[32] = "?";
  if (ASN1_TIME_to_tm(time, &parts) == 1) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

}  // namespace

Result<Authority> Authority::open(const std::string& folder, std::time_t now) {
  const std::string path = folder + "/authority.pem";
  auto found = read_authority(path, now);
  if (!found) return found.error();
  if (!*found) {
    auto made = make_authority(now);
    if (!made) return made.error();
    struct stat status {};
    const bool outlived = ::lstat(path.c_str(), &status) == 0;
    const auto placing = outlived ? Placing::last_wins : Placing::first_wins;
    if (auto placed = place_secret(path, pem(made->certificate.get()) + pem(made->key.get()), placing); !placed) return placed.error();
    found = read_authority(path, now);  // Of two that were made at once, the one that all see.
    if (!found) return found.error();
    if (!*found) return Error{Error::Code::conflict, printable(path) + " went away while it was made", "try again"};
  }
  Authority authority;
  authority.certificate_ = pem((*found)->certificate.get());
  authority.key_ = pem((*found)->key.get());
  authority.fingerprint_ = fingerprint_of((*found)->certificate.get());
  authority.certificate_path_ = folder + "/ca.pem";
  auto shown = read_secret(authority.certificate_path_, kFileLimit);
  if (shown && *shown == authority.certificate_) return authority;
  if (auto placed = place_secret(authority.certificate_path_, authority.certificate_, Placing::last_wins); !placed) return placed.error();
  return authority;
}

Result<Identity> Authority::issue(const std::vector<std::string>& names, std::time_t now) const {
  const auto issuer = first_certificate(certificate_);
  const auto issuer_key = first_key(key_);
  const Key key(EVP_EC_gen("P-256"));
  const auto made = key ? blank(key.get(), "server of a store", now, kServerLife) : nullptr;
  X509* const it = made.get();
  const bool whole = it && issuer && issuer_key && X509_set_issuer_name(it, X509_get_subject_name(issuer.get())) == 1 &&
                     add_extension(it, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                     add_extension(it, issuer.get(), NID_key_usage, "critical,digitalSignature") &&
                     add_extension(it, issuer.get(), NID_ext_key_usage, "serverAuth") &&
                     add_extension(it, issuer.get(), NID_subject_key_identifier, "hash") &&
                     add_extension(it, issuer.get(), NID_authority_key_identifier, "keyid") && add_names(it, names) &&
                     X509_sign(it, issuer_key.get(), EVP_sha256()) > 0;
  if (!whole) return not_made("a certificate");
  // The authority's own goes along, so that who only has its fingerprint can check it.
  return Identity{pem(it) + certificate_, pem(key.get()), names};
}

Result<Identity> read_identity(const std::string& certificate_path, const std::string& key_path, std::time_t now) {
  auto chain = read_given(certificate_path, "certificate", false);
  if (!chain) return chain.error();
  auto secret = read_given(key_path, "key", true);
  if (!secret) return secret.error();
  const auto certificate = first_certificate(*chain);
  if (!certificate) return unreadable("certificate", certificate_path, "no certificate in PEM is in it (" + reason() + ")");
  const auto key = first_key(*secret);
  if (!key) return unreadable("key", key_path, "no key in PEM without a passphrase is in it (" + reason() + ")");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return unreadable("key", key_path, "it does not belong to the certificate " + printable(certificate_path));
  }
  const auto* from = X509_get0_notBefore(certificate.get());
  const auto* until = X509_get0_notAfter(certificate.get());
  if (ASN1_TIME_cmp_time_t(until, now) <= 0) return unreadable("certificate", certificate_path, "it expired on " + day_of(until));
  if (ASN1_TIME_cmp_time_t(from, now) > 0) return unreadable("certificate", certificate_path, "it is not valid before " + day_of(from));
  Identity identity{std::move(*chain), std::move(*secret), names_of(certificate.get())};
  if (identity.names.empty())
    return unreadable("certificate", certificate_path, "it vouches for no name or address (subjectAltName)");
  return identity;
}

}  // namespace tune
