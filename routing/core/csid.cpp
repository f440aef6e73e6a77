// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Fills containers greedily: a SID goes into the last one if it has the same block and fits.
#include "routing/core/csid.hpp"

#include <algorithm>

#include "routing/core/sids.hpp"

namespace sidestep::routing {
namespace {

constexpr std::size_t kBlockBytes = kCsidBlockBits / 8;
constexpr std::size_t kCsidBytes = kCsidBits / 8;
constexpr std::size_t kLocatorBytes = kBlockBytes + kCsidBytes;

bool fits_format(const Sid& sid) {
    return sid.locator.length == 8 * kLocatorBytes;
}

bool same_block(const Sid& a, const Sid& b) {
    const auto& x = a.locator.address.bytes;
    const auto& y = b.locator.address.bytes;
    return std::equal(x.begin(), x.begin() + kBlockBytes, y.begin());
}

std::size_t bytes_in_container(const Sid& sid) {
    return sid.function == kFunctionEnd ? kCsidBytes : 2 * kCsidBytes;
}

/// The container that holds these SIDs.
Address pack(std::span<const Sid> sids) {
    Address result;
    std::copy_n(sids.front().locator.address.bytes.begin(), kBlockBytes, result.bytes.begin());
    auto at = result.bytes.begin() + kBlockBytes;
    for (const auto& sid : sids) {
        const auto address = sid.address();
        at = std::copy_n(address.bytes.begin() + kBlockBytes, bytes_in_container(sid), at);
    }
    return result;
}

}  // namespace

Address Sid::address() const {
    return sid(locator, function);
}

std::vector<Address> compress(std::span<const Sid> sids) {
    std::vector<Address> result;
    for (std::size_t first = 0; first < sids.size();) {
        std::size_t used = kBlockBytes + bytes_in_container(sids[first]);
        std::size_t end = first + 1;
        while (end < sids.size() && fits_format(sids[first]) && fits_format(sids[end]) &&
               same_block(sids[first], sids[end]) && used + bytes_in_container(sids[end]) <= 16) {
            used += bytes_in_container(sids[end++]);
        }
        result.push_back(end - first == 1 ? sids[first].address() : pack(sids.subspan(first, end - first)));
        first = end;
    }
    return result;
}

}  // namespace sidestep::routing
