# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures, as values and as exceptions. Their sentences contain no secret."""

from __future__ import annotations

import typing as t


class Failure(t.NamedTuple):
    """Why a task or one of its requests failed.

    :param sentences: what was being done, what happened and what to do about it, in whole sentences.
    :param http_status: the HTTP status of Cortex's response, if there was one.
    :param request_id: Cortex's identifier of the request.
    :param error_type: Cortex's name of the error, such as ``FORBIDDEN``.
    :param outcome_unknown: the request may or may not have been carried out.
    :param is_retryable: the same request may succeed later.
    :param retry_after: seconds to wait before that, as the server requested.
    """

    sentences: tuple[str, ...]
    http_status: int | None = None
    request_id: str | None = None
    error_type: str | None = None
    outcome_unknown: bool = False
    is_retryable: bool = False
    retry_after: float = 0

    def extended(self, *sentences: str) -> Failure:
        """Return this failure with more sentences after its own."""
        return self._replace(sentences=self.sentences + sentences)

    @property
    def message(self) -> str:
        return " ".join(self.sentences)


class CortexError(Exception):
    """A failure, in whole sentences.

    :ivar failure: the same as a value.
    """

    def __init__(self, *sentences: str) -> None:
        super().__init__()
        self.failure = Failure(sentences)

    def __str__(self) -> str:
        return self.failure.message


class InvalidOptionError(CortexError):
    """An option has a value that cannot work. Nothing was sent."""


class RequestError(CortexError):
    """A request that failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


class TransportError(RequestError):
    """No response: the connection, TLS or the timeout failed."""


class ApiError(RequestError):
    """The API responded with an error of its own."""


class NotFoundError(ApiError):
    """Cortex responded with its own 404: there is no configuration. A 404 of a gateway is not one."""


class ConflictError(ApiError):
    """Cortex rejected a write because another client came first: a configuration exists by now, or no longer."""


class TokenRejectedError(ApiError):
    """PagerDuty does not accept the token."""


class UnexpectedResponseError(RequestError):
    """A response that is not one of this API's."""


class DifferentConfigurationError(UnexpectedResponseError):
    """Cortex accepted a write, but responded with another configuration than the one that was sent."""
