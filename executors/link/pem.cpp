// SPDX-License-Identifier: Apache-2.0
#include "executors/link/pem.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace tune::detail {
namespace {

Bytes bytes_of(const std::string& text) { return Bytes(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

}  // namespace

int no_passphrase(char*, int, int, void*) { return 0; }

std::string openssl_reason() {
  const char* const text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text ? text : "no reason given";
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem(const X509* certificate) {
  const Bytes out(BIO_new(BIO_s_mem()));
  return PEM_write_bio_X509(out.get(), certificate) == 1 ? text_of(out.get()) : "";
}
std::string pem(const EVP_PKEY* key) {
  const Bytes out(BIO_new(BIO_s_mem()));
  const bool written = PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  return written ? text_of(out.get()) : "";
}

Certificate first_certificate(const std::string& text) {
  return Certificate(PEM_read_bio_X509(bytes_of(text).get(), nullptr, no_passphrase, nullptr));
}
Key first_key(const std::string& text) {
  return Key(PEM_read_bio_PrivateKey(bytes_of(text).get(), nullptr, no_passphrase, nullptr));
}
std::vector<Certificate> certificates(const std::string& text) {
  const auto in = bytes_of(text);
  std::vector<Certificate> all;
  while (Certificate one{PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr)}) all.push_back(std::move(one));
  ERR_clear_error();
  return all;
}

}  // namespace tune::detail
