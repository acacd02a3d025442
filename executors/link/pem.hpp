// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

/// OpenSSL's objects with owners, and as PEM text. For the few files that call OpenSSL.
namespace tune::detail {

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

/// What was written into a BIO of memory.
std::string text_of(BIO*);
std::string pem(const X509*);
std::string pem(const EVP_PKEY*);

/// Null: there is none, or it wants a passphrase; openssl_reason() says more.
Certificate first_certificate(const std::string& pem);
Key first_key(const std::string& pem);
/// All up to the first that is none.
std::vector<Certificate> certificates(const std::string& pem);
/// For OpenSSL's readers of PEM, which would ask on the terminal.
int no_passphrase(char*, int, int, void*);

/// Why OpenSSL said no; what it kept of it is forgotten.
std::string openssl_reason();

}  // namespace tune::detail
