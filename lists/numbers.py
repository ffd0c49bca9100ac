"""The numbers of a realm's lists, by which programs call them."""

DO_NOT_MAIL_NUMBER = 0
LARGEST_NUMBER = 999_999_999  # api_web reads nine digits
