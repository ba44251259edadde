"""Where a co-op says that it and its workplaces are, as it stands in the log.

Spec: docs/spec/planning/delivery.md, section "Known places"
"""

from typing import Annotated

import msgspec

from protocol.planning.call import CARDS_MAX, CardId
from protocol.planning.delivery.places import Place


class NamedPlace(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A card, `outside`, a trade node or `stock`, and where it is."""

    name: CardId
    place: Place


class PlanPlaces(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """plan.place: where this co-op, its workplaces, or what it calls a plan with are: never where a person lives."""

    places: Annotated[tuple[NamedPlace, ...], msgspec.Meta(min_length=1, max_length=CARDS_MAX)]
