// The program is static and runs FROM scratch, where glibc would look for shared libraries to resolve a name
// with. So it resolves none: who wants an address is told so, and what would call glibc (OpenSSL's BIO, Asio)
// gets this.
#include <netdb.h>

#include <cerrno>

extern "C" {

int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  return EAI_FAIL;
}
void freeaddrinfo(addrinfo*) {}
hostent* gethostbyname(const char*) {
  errno = ENOSYS;
  return nullptr;
}

}  // extern "C"
