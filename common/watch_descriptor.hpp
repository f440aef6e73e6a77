// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Descriptors of others for the loop.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fcntl.h>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

/// Asio closes what it is given: it gets a descriptor of its own.
inline Result<void> watch_descriptor(boost::asio::posix::stream_descriptor& source, int fd) {
    Fd own(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!own) return fail_errno("cannot watch what the kernel tells");
    boost::system::error_code error;
    source.assign(own.get(), error);
    if (error) return fail("cannot watch what the kernel tells: " + error.message());
    (void)own.release();
    return {};
}

}  // namespace sidestep
