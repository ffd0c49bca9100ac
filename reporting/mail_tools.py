"""What mail tools write an address with: the merge tags of the prefilled link (S0.6)."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class MailTool(NamedTuple):
    """A mail tool: its slug in the URL, its name, and the tag that it replaces by the reader's address."""

    slug: str
    name: str | Promise
    tag: str


OTHER = MailTool("other", _("Another tool"), "{item}")

MAIL_TOOLS = (
    OTHER,
    MailTool("activecampaign", "ActiveCampaign", "%EMAIL%"),
    MailTool("braze", "Braze", "{{${email_address}}}"),
    MailTool("brevo", "Brevo", "{{contact.EMAIL}}"),
    MailTool("campaignmonitor", "Campaign Monitor", "[email]"),
    MailTool("constantcontact", "Constant Contact", "[[emailAddress]]"),
    MailTool("customerio", "Customer.io", "{{customer.email}}"),
    MailTool("getresponse", "GetResponse", "[[email]]"),
    MailTool("hubspot", "HubSpot", "{{contact.email}}"),
    MailTool("iterable", "Iterable", "{{email}}"),
    MailTool("klaviyo", "Klaviyo", "{{email}}"),
    MailTool("mailchimp", "Mailchimp", "*|EMAIL|*"),
    MailTool("mailerlite", "MailerLite", "{$email}"),
    MailTool("mailgun", "Mailgun", "%recipient_email%"),
    MailTool("salesforce", "Salesforce Marketing Cloud", "%%emailaddr%%"),
    MailTool("sendgrid", "SendGrid", "{{email}}"),
)

_BY_SLUG = {tool.slug: tool for tool in MAIL_TOOLS}


def get_mail_tool(slug: str) -> MailTool:
    """The tool of that slug; for anything else the one that shows the bare placeholder."""
    return _BY_SLUG.get(slug, OTHER)
