// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Datagrams to a Unix socket of the machine, which must never keep the loop waiting.
#pragma once

#include <sys/un.h>

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

class DatagramSender {
  public:
    /// `address`: a path, or "@name" for an abstract socket. Nothing needs to listen there yet.
    static Result<DatagramSender> to(std::string_view address);

    /// False, with errno, if it was not taken: nobody listens, or too much waits there already.
    [[nodiscard]] bool send(std::string_view datagram) const;
    /// The same with a descriptor, of which the receiver gets one of its own (unix(7), SCM_RIGHTS).
    [[nodiscard]] bool send(std::string_view datagram, int fd) const;

  private:
    DatagramSender(Fd socket, const sockaddr_un& address, socklen_t length)
        : socket_(std::move(socket)), address_(address), length_(length) {}

    Fd socket_;
    sockaddr_un address_;
    socklen_t length_;
};

}  // namespace sidestep
