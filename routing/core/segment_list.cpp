// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Resolves segments. `at` follows the packet from segment to segment.
#include "routing/core/segment_list.hpp"

#include <fmt/format.h>

#include "routing/core/csid.hpp"
#include "routing/core/sids.hpp"

namespace sidestep::routing {
namespace {

class Resolver {
  public:
    explicit Resolver(const Graph& graph) : graph_(&graph) {}

    /// End SIDs and End.X SIDs; the last node segment is left to finish().
    Result<void> add(const std::vector<Segment>& segments) {
        for (std::size_t i = 0; i < segments.size(); ++i) {
            const auto& segment = segments[i];
            if (segment.kind == Segment::Kind::adjacency) {
                const auto arc = segment.id;
                const auto& link = graph_->link(link_of(arc));
                const auto function = link.functions[arc & 1U];
                if (!function) return fail(fmt::format("link {} has no End.X function number", link.id));
                if (auto added = push(graph_->from(arc), *function); !added) return added;
                at_ = graph_->to(arc);
            } else {
                at_ = segment.id;
                pending_ = true;
                const bool merges = i + 1 < segments.size() && segments[i + 1].kind == Segment::Kind::adjacency &&
                                    graph_->from(segments[i + 1].id) == segment.id;
                const bool last = i + 1 == segments.size();
                if (merges || last) continue;
                if (auto added = push(segment.id, kFunctionEnd); !added) return added;
            }
            pending_ = false;
        }
        return {};
    }

    /// Ends the list where it stands: by decapsulation there, or by End if the last segment is a node's.
    Result<void> finish(Push how) {
        if (how == Push::encaps) return push(at_, kFunctionDecap);
        return pending_ ? push(at_, kFunctionEnd) : Result<void>{};
    }

    Result<void> push(NodeId node, std::uint16_t function) {
        const auto& locator = graph_->node(node).locator;
        if (!locator) return fail(fmt::format("{} has no locator", graph_->node(node).name));
        sids_.push_back({.locator = *locator, .function = function});
        return {};
    }

    [[nodiscard]] Result<std::vector<Address>> addresses(const SidOptions& options) const {
        std::vector<Address> result;
        if (options.next_csid) {
            result = compress(sids_);
        } else {
            result.reserve(sids_.size());
            for (const auto& sid : sids_) result.push_back(sid.address());
        }
        if (result.size() > options.max_depth) {
            return fail(
                fmt::format("needs {} SIDs, but the maximum SID depth is {}", result.size(), options.max_depth));
        }
        return result;
    }

    /// Whether the packet stands where a node segment brought it for which no SID has been pushed.
    [[nodiscard]] bool pending() const { return pending_; }
    [[nodiscard]] NodeId at() const { return at_; }

  private:
    const Graph* graph_;
    std::vector<Sid> sids_;
    NodeId at_ = 0;
    bool pending_ = false;
};

}  // namespace

Result<std::vector<Address>> repair_sids(const Graph& graph, const Repair& repair, const SidOptions& options) {
    if (repair.segments.empty()) return std::vector<Address>{};
    Resolver resolver(graph);
    if (auto added = resolver.add(repair.segments); !added) return std::unexpected(added.error());
    if (auto finished = resolver.finish(options.push); !finished) return std::unexpected(finished.error());
    return resolver.addresses(options);
}

Result<std::vector<Address>> tunnel_sids(const Graph& graph, const Repair& repair, const SidOptions& options) {
    Resolver resolver(graph);
    if (auto added = resolver.add(repair.segments); !added) return std::unexpected(added.error());
    if (resolver.pending() && resolver.at() != repair.destination) {
        if (auto pushed = resolver.push(resolver.at(), kFunctionEnd); !pushed) return std::unexpected(pushed.error());
    }
    if (auto pushed = resolver.push(repair.destination, kFunctionDecap); !pushed) {
        return std::unexpected(pushed.error());
    }
    return resolver.addresses(options);
}

}  // namespace sidestep::routing
