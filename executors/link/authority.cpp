// SPDX-License-Identifier: Apache-2.0
#include "executors/link/authority.hpp"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "executors/link/host_name.hpp"
#include "executors/link/pem.hpp"
#include "executors/link/secret_file.hpp"
#include "tuner/hex.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

constexpr std::size_t kFileLimit = 1024 * 1024;
const std::string kGroup = "group ", kAllocation = "allocation ";  // Before the names that a certificate has as its units.
constexpr std::time_t kDay = 24 * 60 * 60;
constexpr std::time_t kSlack = 5 * 60;  // Clocks of other machines may be behind.
constexpr std::time_t kAuthorityLife = 3650 * kDay, kServerLife = 7 * kDay, kMargin = 30 * kDay;

using detail::Bytes, detail::Certificate, detail::Freed, detail::Key;
using detail::first_certificate, detail::first_key, detail::no_passphrase, detail::pem, detail::text_of;
using Request = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

Error not_made(const std::string& what) { return {Error::Code::io, "OpenSSL cannot make " + what + ": " + detail::openssl_reason(), ""}; }

std::string asn1_text(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text))};
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

bool add_unit(X509* certificate, const std::string& text) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_organizationalUnitName, MBSTRING_ASC, bytes,
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> made(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  return made && X509_add_ext(certificate, made.get(), -1) == 1;
}

/// Signs what `key` and the subject are set of already, for one `purpose` (an extended key usage) and no other.
bool finish(X509* certificate, X509* issuer, EVP_PKEY* issuer_key, const char* purpose) {
  return X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, issuer, NID_ext_key_usage, purpose) &&
         add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, issuer, NID_authority_key_identifier, "keyid") &&
         X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
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

std::string address_text(const std::string& bytes) {
  char text[INET6_ADDRSTRLEN];
  const bool known = bytes.size() == 4 || bytes.size() == 16;
  return known && ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text) ? text : "";
}

/// What it vouches for. Names that no URL could have are left out.
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const Names all(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int kind = 0;
    const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &kind));
    if (kind != GEN_DNS && kind != GEN_IPADD) continue;
    std::string text = asn1_text(value);
    if (kind == GEN_IPADD) text = address_text(text);
    const bool wild = kind == GEN_DNS && text.starts_with("*.");
    if (const auto name = host_name(std::string_view(text).substr(wild ? 2 : 0)))
      if (is_address(*name) == (kind == GEN_IPADD)) names.push_back((wild ? "*." : "") + *name);
  }
  return names;
}

/// The public key that a request is for, if its holder signed it and it is of the one kind that we sign.
Key key_of_request(const std::string& csr) {
  const Bytes in(BIO_new_mem_buf(csr.data(), static_cast<int>(csr.size())));
  const Request request(PEM_read_bio_X509_REQ(in.get(), nullptr, no_passphrase, nullptr));
  Key key(request ? X509_REQ_get_pubkey(request.get()) : nullptr);
  char curve[32] = "";
  const bool fits = key && EVP_PKEY_get_group_name(key.get(), curve, sizeof curve, nullptr) == 1 &&
                    std::string_view(curve) == SN_X9_62_prime256v1 && X509_REQ_verify(request.get(), key.get()) == 1;
  ERR_clear_error();
  return fits ? std::move(key) : nullptr;
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
  return "authority " + to_hex(sum, 8);
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
  const bool whole = it && issuer && issuer_key && add_names(it, names) && finish(it, issuer.get(), issuer_key.get(), "serverAuth");
  if (!whole) return not_made("a certificate");
  // The authority's own goes along, so that who only has its fingerprint can check it.
  return Identity{pem(it) + certificate_, pem(key.get()), names};
}

Result<std::string> Authority::admit(const std::string& csr, const AgentName& agent, std::time_t until, std::time_t now) const {
  const auto refused = [](const std::string& why) { return Error{Error::Code::invalid, "no certificate for this agent: " + why, ""}; };
  for (const auto* word : {&agent.id, &agent.group, &agent.allocation})
    if (!is_agent_word(*word) && (word == &agent.id || !word->empty())) return refused("'" + printable(*word) + "' is no name");
  if (until <= now) return refused("its time is over already");
  const auto key = key_of_request(csr);
  if (!key) return refused("its request is not a PKCS #10 one with a P-256 key, signed by that key");

  const auto issuer = first_certificate(certificate_);
  const auto issuer_key = first_key(key_);
  const auto made = blank(key.get(), agent.id, now, until - now);
  X509* const it = made.get();
  const auto* const last = issuer ? X509_get0_notAfter(issuer.get()) : nullptr;
  const bool whole = it && last && issuer_key && (agent.group.empty() || add_unit(it, kGroup + agent.group)) &&
                     (agent.allocation.empty() || add_unit(it, kAllocation + agent.allocation)) &&
                     (ASN1_TIME_cmp_time_t(last, until) >= 0 || X509_set1_notAfter(it, last) == 1) &&
                     finish(it, issuer.get(), issuer_key.get(), "clientAuth");
  if (!whole) return not_made("an agent's certificate");
  return pem(it);
}

std::string fingerprint_of(const x509_st* certificate) {
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

std::optional<AgentCertificate> agent_of(const x509_st* certificate) {
  AgentCertificate found;
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
    const X509_NAME_ENTRY* const entry = X509_NAME_get_entry(subject, i);
    const int kind = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    const std::string text = asn1_text(X509_NAME_ENTRY_get_data(entry));
    if (kind == NID_commonName) found.agent.id = text;
    if (kind != NID_organizationalUnitName) continue;
    if (text.starts_with(kGroup)) found.agent.group = text.substr(kGroup.size());
    if (text.starts_with(kAllocation)) found.agent.allocation = text.substr(kAllocation.size());
  }
  tm end{};
  if (!is_agent_word(found.agent.id) || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return std::nullopt;
  found.until = ::timegm(&end);
  return found;
}

Result<AgentRequest> make_request() {
  const Key key(EVP_EC_gen("P-256"));
  const Request request(X509_REQ_new());
  const Bytes out(BIO_new(BIO_s_mem()));
  const bool whole = key && request && out && X509_REQ_set_version(request.get(), 0) == 1 &&
                     X509_REQ_set_pubkey(request.get(), key.get()) == 1 && X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0 &&
                     PEM_write_bio_X509_REQ(out.get(), request.get()) == 1;
  if (!whole) return not_made("a request for a certificate");
  return AgentRequest{pem(key.get()), text_of(out.get())};
}

bool is_agent_word(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !text.empty() && text.size() <= 48 && text.find_first_not_of(letters) == std::string_view::npos;
}

Result<Identity> read_identity(const std::string& certificate_path, const std::string& key_path, std::time_t now) {
  auto chain = read_given(certificate_path, "certificate", kFileLimit, Given::open);
  if (!chain) return chain.error();
  auto secret = read_given(key_path, "key", kFileLimit, Given::secret);
  if (!secret) return secret.error();
  const auto certificate = first_certificate(*chain);
  if (!certificate) return unusable("certificate", certificate_path, "no certificate in PEM is in it (" + detail::openssl_reason() + ")");
  const auto key = first_key(*secret);
  if (!key) return unusable("key", key_path, "no key in PEM without a passphrase is in it (" + detail::openssl_reason() + ")");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return unusable("key", key_path, "it does not belong to the certificate " + printable(certificate_path));
  }
  const auto* from = X509_get0_notBefore(certificate.get());
  const auto* until = X509_get0_notAfter(certificate.get());
  if (ASN1_TIME_cmp_time_t(until, now) <= 0) return unusable("certificate", certificate_path, "it expired on " + day_of(until));
  if (ASN1_TIME_cmp_time_t(from, now) > 0) return unusable("certificate", certificate_path, "it is not valid before " + day_of(from));
  Identity identity{std::move(*chain), std::move(*secret), names_of(certificate.get())};
  if (identity.names.empty())
    return unusable("certificate", certificate_path, "it vouches for no name or address (subjectAltName)");
  return identity;
}

}  // namespace tune
