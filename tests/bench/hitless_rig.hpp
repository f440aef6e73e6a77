// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One lab of the hitless benchmark (hitless.yaml): A sends what is for D by both of its links to B, which merges it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "topo/daemon.hpp"
#include "topo/lab.hpp"

namespace sidestep::bench {

/// What A does with packets to D.
enum class Sending {
    plain,   ///< as the kernel does; nothing runs on A or B
    single,  ///< one list
    twice,   ///< hitless
};

/// Who sends them: S, through A, or a socket of A itself.
enum class From { host, head };

/// Failures are exceptions: a rig is whole or not at all.
class HitlessRig {
  public:
    static constexpr unsigned kFlow = 7;
    static constexpr unsigned kSpareFlow = 8;  ///< nobody sends it
    static constexpr std::array kWays{"north", "south"};

    /// Ways that may be cut have a program more at each end.
    struct Setup {
        Sending sending = Sending::twice;
        From from = From::host;
        bool cuts = false;
        bool xdp = false;  ///< programs at XDP, on links that take frames
        const char* probes = "2ms";
        unsigned flows = kSpareFlow;  ///< that B merges
    };

    explicit HitlessRig(const Setup& setup);

    /// kill -9, then a successor, until its sessions are up.
    void restart(const std::string& node);
    /// Cuts one of the ways silently until A has noticed, then restores it until A trusts it again.
    void cut(std::size_t way);
    /// Loses this share of what A sends, on both ways.
    void lose(double share);
    /// Takes segmentation and checksums from A's links to B: what a NIC cannot do inside SRv6, the kernel does before it.
    void send_as_nics();
    /// How often A gave up a way so far.
    std::uint64_t downs();
    /// The last SID of both lists.
    [[nodiscard]] Address merging() const { return lab_.sid("B", 0x0e46); }
    [[nodiscard]] const topo::Lab& lab() const { return lab_; }

  private:
    void start(const std::string& node);
    void await(std::size_t way, const std::string& state);

    topo::Lab lab_;
    std::vector<topo::Cut> cuts_;
    std::map<std::string, std::string> configs_;
    std::map<std::string, topo::Daemon> daemons_;
};

}  // namespace sidestep::bench
