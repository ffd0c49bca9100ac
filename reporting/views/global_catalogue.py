"""Project Settings › Global › Products, Publishers: what websites send as productId and pubID. Realm admins only (S1.15)."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from lists.access import Standing
from lists.global_actions import (
    ProductNumberTakenError,
    ReferenceTakenError,
    TooManyError,
    change_product,
    change_publisher,
    make_product,
    make_publisher,
    next_product_number,
)
from lists.models import List, Product, Publisher
from lists.views.context import admin_standing
from reporting.global_setup.forms import ProductForm, PublisherForm
from reporting.views.global_settings import global_context

PAGE_SIZE = 100


def page_of[Row: Model](request: HttpRequest, rows: QuerySet[Row]) -> Page[Row]:
    """The page of `?page=`; the first or last one for what is none. There are a thousand rows at most."""
    return Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))


@require_safe
@login_required
def global_products(request: HttpRequest) -> HttpResponse:
    """GET: the realm's products by number."""
    standing = admin_standing(request)
    products = Product.objects.filter(realm=standing.realm).select_related("optout_list")
    context = global_context(standing, "global_products")
    return render(
        request, "reporting/global_products.html", context | {"page": page_of(request, products)}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def global_product_new(request: HttpRequest) -> HttpResponse:
    """POST number, name, optout_list: make a product."""
    standing = admin_standing(request)
    form = ProductForm(
        request.POST if request.method == "POST" else None,
        lists=_lists(standing),
        next_number=next_product_number(standing.realm),
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = make_product(standing.realm, form.values(), actor=standing.user)
        except ProductNumberTakenError as error:
            form.add_error("number", str(error))
        except TooManyError as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request,
                _("The product %(number)d, “%(name)s”, is there.")
                % {"number": made.number, "name": made.name},
            )
            return redirect("global_products")
    return _product_page(request, standing, form)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def global_product(request: HttpRequest, number: int) -> HttpResponse:
    """POST name, optout_list, is_active: change a product. Its number stays."""
    standing = admin_standing(request)
    product = (
        Product.objects.filter(realm=standing.realm, number=number).select_related("realm").first()
    )
    if product is None:
        raise Http404
    form = ProductForm(
        request.POST if request.method == "POST" else None,
        lists=_lists(standing),
        product=product,
    )
    if request.method == "POST" and form.is_valid():
        changed = change_product(product, form.values(), actor=standing.user)
        _say(request, changed)
        return redirect("global_products")
    return _product_page(request, standing, form, product)


@require_safe
@login_required
def global_publishers(request: HttpRequest) -> HttpResponse:
    """GET: the realm's publishers by name."""
    standing = admin_standing(request)
    publishers = Publisher.objects.filter(realm=standing.realm)
    context = global_context(standing, "global_publishers")
    return render(
        request,
        "reporting/global_publishers.html",
        context | {"page": page_of(request, publishers)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def global_publisher_new(request: HttpRequest) -> HttpResponse:
    """POST reference, name: make a publisher."""
    standing = admin_standing(request)
    form = PublisherForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = make_publisher(standing.realm, form.values(), actor=standing.user)
        except ReferenceTakenError as error:
            form.add_error("reference", str(error))
        except (TooManyError, ValidationError) as error:
            form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        else:
            messages.success(request, _("The publisher “%(name)s” is there.") % {"name": made.name})
            return redirect("global_publishers")
    return _publisher_page(request, standing, form)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def global_publisher(request: HttpRequest, publisher_id: int) -> HttpResponse:
    """POST name: change a publisher. Its reference stays."""
    standing = admin_standing(request)
    publisher = (
        Publisher.objects.filter(realm=standing.realm, pk=publisher_id)
        .select_related("realm")
        .first()
    )
    if publisher is None:
        raise Http404
    form = PublisherForm(request.POST if request.method == "POST" else None, publisher=publisher)
    if request.method == "POST" and form.is_valid():
        _say(request, change_publisher(publisher, form.values(), actor=standing.user))
        return redirect("global_publishers")
    return _publisher_page(request, standing, form, publisher)


def _lists(standing: Standing) -> QuerySet[List]:
    """Every list of the realm, Do Not Mail (number 0) first."""
    return List.objects.filter(realm=standing.realm).order_by("number")


def _product_page(
    request: HttpRequest, standing: Standing, form: ProductForm, product: Product | None = None
) -> HttpResponse:
    context = global_context(standing, "global_products") | {"form": form, "product": product}
    return render(
        request, "reporting/global_product.html", context, status=422 if form.errors else 200
    )


def _publisher_page(
    request: HttpRequest,
    standing: Standing,
    form: PublisherForm,
    publisher: Publisher | None = None,
) -> HttpResponse:
    context = global_context(standing, "global_publishers") | {"form": form, "publisher": publisher}
    return render(
        request, "reporting/global_publisher.html", context, status=422 if form.errors else 200
    )


def _say(request: HttpRequest, changed: list[str]) -> None:
    if changed:
        messages.success(request, _("Saved."))
    else:
        messages.info(request, _("Nothing was changed."))
